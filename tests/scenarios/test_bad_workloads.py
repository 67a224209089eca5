"""A workload that writes outside its sink: what it lists there is refused, whatever way it is spelled."""

from __future__ import annotations

from typing import Any

import pytest

OUTSIDE = {
    "beside": "stage(path(props['sinks']['main']['pathURI']).parent.as_uri() + '/elsewhere.txt')",
    "above": "stage(props['sinks']['main']['pathURI'] + '../elsewhere.txt')",
    "above, encoded": "stage(props['sinks']['main']['pathURI'] + '%2e%2e/elsewhere.txt')",
    "the sink itself": "stage(props['sinks']['main']['pathURI'])",
    "another scheme": "stage('s3://bucket/out/x.txt')",
    "its source": "stage(*[one.as_uri() for one in came()])",
    "no URI": "stage('x.txt')",
}


@pytest.mark.parametrize("way", OUTSIDE)
def test_what_is_listed_outside_the_sink_fails_the_attempt(place: Any, tools: Any, way: str) -> None:
    place.put(tools.file_of(0))
    workload = place.workload("stray", "write('good.txt')\n" + OUTSIDE[way])
    place.declare(boundaries=[tools.boundary()], arcs=[tools.arc("exec", workload=workload)])
    ran = place.run(code=1)
    assert "the manifest for sink 'main' lists what is not below file://" in ran.out + ran.err
    assert place.kinds("work", tools.hour(0)) == ["claim", "missing"]
    assert place.manifests("out") == {}


def test_what_is_written_outside_and_not_listed_is_nobodys(place: Any, tools: Any) -> None:
    """A command may write where it likes; the dataset has what its manifest lists."""
    place.put(tools.file_of(0))
    body = "pathlib.Path('stray.txt').write_text('x')\nstage(write('good.txt'))"
    place.declare(boundaries=[tools.boundary()], arcs=[tools.arc("exec", workload=place.workload("w", body))])
    place.run()
    assert list(place.objects("out")) == ["good.txt"]
    assert (place.path / "stray.txt").exists()


@pytest.mark.parametrize("key", ["../stray.txt", "/stray.txt", "a/../../stray.txt", "", "a//b", "nul\\0"])
def test_a_function_cannot_name_a_key_outside(place: Any, tools: Any, key: str) -> None:
    place.put(tools.file_of(0))
    (place.path / "flow.py").write_text(
        "def work(lot):\n"
        f"    try:\n        lot.sink().write('{key}', b'x')\n"
        "    except ValueError as error:\n        lot.sink().write('refused.txt', str(error).encode())\n"
    )
    place.declare(boundaries=[tools.boundary()], arcs=[tools.arc("python", workload={"function": "flow:work"})])
    place.run()
    assert place.files("out") == ["refused.txt"]
    assert "is not a key: use a relative path" in (place.path / "out/refused.txt").read_text()
    assert not list(place.path.rglob("stray.txt"))


@pytest.mark.parametrize("rename", ["../{name}", "a/../../{name}"])
def test_a_copy_is_not_renamed_to_outside(place: Any, tools: Any, rename: str) -> None:
    place.put(tools.file_of(0))
    arc = tools.arc(workload={"workloadProps": {"rename": rename}})
    place.declare(boundaries=[tools.boundary()], arcs=[arc])
    ran = place.run(code=1)
    assert tools.file_of(0) in ran.out + ran.err
    assert place.files("in") == [tools.file_of(0)]
    assert not (place.path / tools.file_of(0)).exists()
