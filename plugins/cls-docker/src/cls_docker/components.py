"""How a container is declared, and an arc that is worked in containers."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Attribute, field, frozen
from attrs.validators import and_, ge, gt, instance_of, le, optional

from cls_docker.confinement import Confinement, PullPolicy, Volume
from cls_docker.naming import check_reference
from clusterless.errors import InvalidValueError
from clusterless.model.arc import Arc, WorkloadSettings
from clusterless.model.element import Needs
from clusterless.model.naming import LONGEST, check_environment
from clusterless.provider import Container
from clusterless.runtime.contract import check_command

_whole = and_(instance_of(int), ge(1))


def _are_variables(element: object, attribute: Attribute[tuple[str, ...]], names: tuple[str, ...]) -> None:
    check_environment(element, attribute, dict.fromkeys(names, ""))


@frozen(kw_only=True)
class ContainedSettings(WorkloadSettings):
    """``image`` names an image; ``imagePath`` is a folder with a Dockerfile, which one is built from, once a content.

    The container sees ``environment``, the ``CLS_…`` variables, and of the variables around ``cls`` only those
    that ``passEnvironment`` names: their values are written nowhere. Its root is read-only and its ``/tmp`` in memory,
    it has no capabilities and gains no privileges.
    """

    image: str = ""
    image_path: str = ""
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(factory=dict, validator=check_environment)
    pass_environment: tuple[str, ...] = field(default=(), validator=_are_variables)
    memory_size_mb: int | None = field(default=None, validator=optional(and_(instance_of(int), ge(6))))
    cpus: float | None = field(default=None, validator=optional(gt(0)))
    pids_limit: int = field(default=1024, validator=_whole)
    read_only_root: bool = True
    scratch_size_mb: int = field(default=64, validator=_whole)
    user: str = ""
    network: str = ""
    volumes: tuple[Volume, ...] = ()
    pull_policy: PullPolicy = PullPolicy.MISSING

    @property
    def confinement(self) -> Confinement:
        return Confinement(
            user=self.user or None,
            network=self.network,
            pids_limit=self.pids_limit,
            read_only_root=self.read_only_root,
            scratch_size_mb=self.scratch_size_mb,
            keeps_capabilities=False,
            volumes=self.volumes,
            pull_policy=self.pull_policy,
        )


def check_image(_element: object, _: object, workload: ContainedSettings) -> None:
    """Refuse a container without an image, or with two.

    Raises:
        InvalidValueError: neither ``image`` nor ``imagePath`` is given, or both are, or no image can be called so.
    """
    if bool(workload.image) == bool(workload.image_path):
        msg = "give 'image', the name of one, or 'imagePath', a folder with a Dockerfile, and not both"
        raise InvalidValueError(msg)
    if workload.image:
        check_reference(workload.image)


@frozen(kw_only=True)
class ContainerSettings(ContainedSettings):
    """What a lot is worked in: folders of sources are mounted read-only, those of sinks writable, at their own paths.

    ``command`` may have selectors, as that of any arc that runs one.
    """

    timeout_sec: float = field(default=3600, validator=and_(gt(0), le(LONGEST)))

    def __attrs_post_init__(self) -> None:
        check_command(self, None, self.command)

    @property
    def container(self) -> Container:
        return Container(
            image=self.image,
            image_path=self.image_path,
            command=self.command,
            environment=self.environment,
            passed=self.pass_environment,
            props=self.workload_props,
            timeout_sec=self.timeout_sec,
            memory_mb=self.memory_size_mb,
            cpus=self.cpus,
        )


@frozen(kw_only=True)
class ContainerArc(Arc):
    """Runs a container for each lot, which reads and writes manifests by the workload contract."""

    workload: ContainerSettings = field(factory=ContainerSettings, validator=check_image)

    @property
    def needs(self) -> Needs:
        return Needs(image=self.workload.image_path)
