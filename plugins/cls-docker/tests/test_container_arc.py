"""``docker:core:containerArc`` on a real engine: the workload contract, kept in containers."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from cls_docker.confinement import PullPolicy, Volume
from clusterless.errors import VariableUnsetError, WorkloadError
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.runtime import output

FOREIGN = "clusterless-test/foreign:latest"
LOT = Lot.parse("20240131PT5M287")


def test_it_is_told_what_every_workload_is(engine_bench: Any) -> None:
    shown = "echo $CLS_LOT $CLS_ATTEMPT $CLS_REVISION $CLS_IDEMPOTENCY_KEY; echo $CLS_ARC_PROPS_JSON; env\n"
    engine_bench.run(shown + engine_bench.writes("a"), workload_props={"deep": 3}, environment={"COLOUR": "blue"})
    first, props, *variables = engine_bench.printed.splitlines()
    assert first == f"{LOT} 0-1-abc 0 sink/1/{LOT}/0/work"
    told = json.loads(props)
    assert told["sources"]["main"]["pathURI"] == engine_bench.uri("source")
    assert told["sinks"]["main"]["pathURI"] == engine_bench.uri("sink-main")
    assert told["sourceManifestPaths"]["main"] == engine_bench.work().sources["main"].manifest_uri
    assert told["sinkManifestTemplates"]["main"] == engine_bench.work().sinks["main"].staging
    assert told["workloadProps"] == {"deep": 3}
    assert "COLOUR=blue" in variables


def test_it_reads_the_manifest_and_the_objects_that_it_lists(engine_bench: Any) -> None:
    manifest = engine_bench.work().sources["main"].manifest_uri.removeprefix("file://")
    engine_bench.run(f"cat {manifest}; cat {engine_bench.base}/source/two\n" + engine_bench.writes("a"))
    assert json.loads(engine_bench.printed[:-1])["lotId"] == str(LOT)
    assert engine_bench.printed.endswith("}2")


def test_selectors_of_the_command_are_replaced(engine_bench: Any) -> None:
    selected = ("$.role", "$.arcNotifyEvent.lot", "$.arcNotifyEvent.dataset.pathURI", "$$.Execution.Name", "costs $.5")
    script = 'printf "%s\\n" "$@"\n' + engine_bench.writes("a")
    engine_bench.run("sh", "-euc", script, "it", *selected)
    source = engine_bench.uri("source")
    assert engine_bench.printed.splitlines() == ["main", str(LOT), source, "0-1-abc", "costs $.5"]


def test_a_command_that_selects_nothing_is_refused(engine_bench: Any, api: Any) -> None:
    with pytest.raises(WorkloadError, match=r"'\$\.arcNotifyEvent\.colour' selects nothing"):
        engine_bench.run("echo", "$.arcNotifyEvent.colour")
    assert engine_bench.containers(api) == []


def test_what_it_prints_is_kept_and_its_progress_with_it(engine_bench: Any) -> None:
    engine_bench.run("echo to out; echo to err >&2; echo CLS_PROGRESS 1/2\n" + engine_bench.writes("a"))
    assert sorted(engine_bench.printed.splitlines()) == ["CLS_PROGRESS 1/2", "to err", "to out"]


# ---- how it ends -----------------------------------------------------------------------------------------------


def test_what_an_earlier_attempt_left_can_be_read(engine_bench: Any) -> None:
    earlier = Manifest(state=ManifestState.PARTIAL, lot=LOT, uris=(f"{engine_bench.uri('sink-main')}half",))
    script = 'echo $1 | sed \'s|.*"main":\\["file://\\([^"]*\\)".*|\\1|\' | xargs cat\n' + engine_bench.writes("a")
    engine_bench.worked(engine_bench.arc("sh", "-euc", script, "it", "$"), engine_bench.work([earlier]))
    assert json.loads(engine_bench.printed)["uris"] == [f"{engine_bench.uri('sink-main')}half"]


def test_a_manifest_that_is_none_is_named(engine_bench: Any) -> None:
    staged = engine_bench.staged()
    with pytest.raises(WorkloadError, match="wrote a manifest that is none"):
        engine_bench.run(f"mkdir -p {Path(staged).parent}; echo '{{}}' >{staged}")


def test_a_manifest_for_another_sink_stays_in_the_container(engine_bench: Any) -> None:
    elsewhere = engine_bench.writes("a").replace("/sink=main/", "/sink=other/")
    assert elsewhere != engine_bench.writes("a")
    with pytest.raises(WorkloadError, match="without a manifest for sink 'main'"):
        engine_bench.run(elsewhere, read_only_root=False)
    assert not (engine_bench.base / "manifests/staging/project=demo/version=1/arc=work/sink=other").exists()


def test_a_program_that_is_not_in_the_image(engine_bench: Any, api: Any) -> None:
    with pytest.raises(WorkloadError, match=r"cannot run 'brew' in .*: executable file not found") as failed:
        engine_bench.run("brew", "tea")
    assert "in the image" in failed.value.hint
    assert engine_bench.containers(api) == []


def test_an_image_that_is_not_there_and_is_not_to_be_pulled(engine_bench: Any) -> None:
    engine_bench.image = "nobody/nothing:1"
    with pytest.raises(WorkloadError, match="nobody/nothing:1") as failed:
        engine_bench.run("true", pull_policy=PullPolicy.NEVER)
    assert "docker pull nobody/nothing:1" in failed.value.hint


def test_an_image_that_cannot_be_pulled(engine_bench: Any) -> None:
    engine_bench.image = "127.0.0.1:1/nothing:1"  # where no registry is
    with pytest.raises(WorkloadError, match=r"cannot pull the image 127\.0\.0\.1:1/nothing:1: .*refused") as no:
        engine_bench.run("true")
    assert no.value.hint.startswith("is the registry's name right")
    assert "pulling 127.0.0.1:1/nothing:1" in engine_bench.printed


def test_an_image_for_another_machine(engine_bench: Any, api: Any) -> None:
    engine_bench.image = made_for(api, engine_bench.image, "s390x")
    with pytest.raises(WorkloadError, match="its image is for s390x, and the engine's machine is "):
        engine_bench.run("exit 1")


# ---- what it is kept within ------------------------------------------------------------------------------------


def test_more_memory_than_it_may_have_is_named(engine_bench: Any) -> None:
    with pytest.raises(WorkloadError, match="was killed, since it used more memory than its 16 MB") as failed:
        engine_bench.run("tail -c 100000000 /dev/zero >/dev/null", memory_size_mb=16)
    assert "memorySizeMB" in failed.value.hint


def test_its_root_is_read_only_and_its_scratch_is_not(engine_bench: Any) -> None:
    tried = "exec 2>&1; touch /etc/x || true; touch /tmp/x; df -m /tmp | tail -1\n"
    engine_bench.run(tried + engine_bench.writes("a"), scratch_size_mb=7)
    refused, scratch = engine_bench.printed.splitlines()
    assert refused.endswith("Read-only file system")
    assert scratch.split()[:2] == ["tmpfs", "7"]


def test_its_root_may_be_written_to_where_that_is_declared(engine_bench: Any) -> None:
    engine_bench.run("touch /etc/x\n" + engine_bench.writes("a"), read_only_root=False)


def test_it_has_no_capabilities_and_gains_no_privileges(engine_bench: Any) -> None:
    engine_bench.run("grep -E 'Cap(Eff|Bnd)|NoNewPrivs' /proc/self/status\n" + engine_bench.writes("a"))
    assert engine_bench.printed.split() == ["CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1"]


def test_it_is_who_runs_it_or_who_is_declared(engine_bench: Any) -> None:
    engine_bench.run("id -u\n" + engine_bench.writes("a"))
    assert engine_bench.printed == f"{os.getuid()}\n"
    with pytest.raises(WorkloadError, match=r"\| 1234:4321"):
        engine_bench.run("echo $(id -u):$(id -g); exit 1", user="1234:4321")


def test_its_processes_are_few(engine_bench: Any) -> None:
    with pytest.raises(WorkloadError, match="can't fork"):
        engine_bench.run("for each in 1 2 3 4 5 6 7 8 9; do sleep 5 & done; exit 1", pids_limit=5)


def test_its_processors_are_as_many_as_declared(engine_bench: Any) -> None:
    quota = "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max 2>/dev/null || true\n"  # of either version
    engine_bench.run(quota + engine_bench.writes("a"), cpus=0.5)
    assert engine_bench.printed.split()[0] == "50000"


def test_sources_cannot_be_written_to(engine_bench: Any) -> None:
    with pytest.raises(WorkloadError, match="Read-only file system"):
        engine_bench.run(f"echo 3 >{engine_bench.base}/source/one")
    assert (engine_bench.base / "source/one").read_text() == "1"


def test_it_sees_nothing_else_of_this_machine(engine_bench: Any) -> None:
    (engine_bench.base / "secret").write_text("tea")
    engine_bench.run(f"ls {engine_bench.base}\n" + engine_bench.writes("a"))
    assert engine_bench.printed.split() == ["manifests", "sink-main", "source"]


def test_volumes_are_there_besides(engine_bench: Any, tmp_path: Path) -> None:
    (tmp_path / "cache, of all").mkdir()
    (tmp_path / "cache, of all/x").write_text("cached")
    volume = Volume(source=str(tmp_path / "cache, of all"), target="/cache")
    engine_bench.run("cat /cache/x\n" + engine_bench.writes("a"), volumes=(volume,))
    assert engine_bench.printed == "cached"
    with pytest.raises(WorkloadError, match=r"the volume .*gone is not there"):
        engine_bench.run("true", volumes=(Volume(source=str(tmp_path / "gone"), target="/cache"),))


def test_folders_may_be_called_anything(engine_bench: Any) -> None:
    engine_bench.base = engine_bench.base / "50% of, a ü: b"
    engine_bench.base.mkdir()
    engine_bench.fill(one="1")
    uris = [engine_bench.uri("sink-main") + "a"]
    told = json.dumps({"state": "complete", "lotId": str(LOT), "uriType": "identifier", "uris": uris})
    staged = engine_bench.staged()
    engine_bench.run(
        f"cat '{engine_bench.base}/source/one'; mkdir -p '{Path(staged).parent}'; echo '{told}' >'{staged}'"
    )
    assert engine_bench.printed == "1"


def test_a_network_is_the_one_that_is_declared(engine_bench: Any) -> None:
    engine_bench.run("ls /sys/class/net\n" + engine_bench.writes("a"), network="none")
    assert engine_bench.printed.split() == ["lo"]
    with pytest.raises(WorkloadError, match="nowhere"):
        engine_bench.run("true", network="nowhere")


def test_of_the_variables_around_it_sees_those_that_are_named(
    engine_bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEA_KEY", "oolong")
    monkeypatch.setenv("TEA_SECRET", "sencha")
    engine_bench.run("env\n" + engine_bench.writes("a"), pass_environment=("TEA_KEY",))
    assert "TEA_KEY=oolong" in engine_bench.printed
    assert "sencha" not in engine_bench.printed
    with pytest.raises(VariableUnsetError, match="TEA_POT"):
        engine_bench.run("true", pass_environment=("TEA_POT",))


def test_a_talkative_one_is_neither_stopped_nor_kept_whole(engine_bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "OUTPUT_LIMIT", 1_000_000)
    engine_bench.run("yes tea | head -c 30000000\n" + engine_bench.writes("a"))
    assert 1_000_000 < len(engine_bench.printed) < 1_000_200
    assert "the rest was dropped" in engine_bench.printed


def made_for(api: Any, image: str, architecture: str) -> str:
    """The same image, said to be made for another machine."""
    saved, changed = io.BytesIO(b"".join(api.get_image(image))), io.BytesIO()
    with tarfile.open(fileobj=saved) as old, tarfile.open(fileobj=changed, mode="w") as new:
        for member in old:
            file = old.extractfile(member)
            content = file.read() if file else b""
            if b'"architecture"' in content:
                content = json.dumps({**json.loads(content), "architecture": architecture}).encode()
            content = content.replace(image.encode(), FOREIGN.encode())
            member.size = len(content)
            new.addfile(member, io.BytesIO(content) if file else None)
    list(api.load_image(changed.getvalue()))
    return FOREIGN
