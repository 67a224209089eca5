"""What a function or a container may be given."""

from typing import Any

import pytest

from clusterless.codec import read_declaration
from clusterless.errors import MalformedError
from clusterless.model.runtime_props import Architecture, ContainerProps, FunctionProps


@pytest.mark.parametrize(
    ("wrong", "finding"),
    [
        ({"memorySizeMB": 127}, "$.memorySizeMB: 'memorySizeMB' must be >= 128: 127"),
        ({"memorySizeMB": 10241}, "$.memorySizeMB: 'memorySizeMB' must be <= 10240: 10241"),
        ({"retryAttempts": -1}, "$.retryAttempts: 'retryAttempts' must be >= 0: -1"),
        ({"timeoutMin": 0}, "$.timeoutMin: 'timeoutMin' must be >= 1: 0"),
        ({"architecture": "arm_64"}, "$.architecture: must be one of 'ARM_64', 'X86_64', not text 'arm_64'"),
    ],
)
def test_a_functions_bounds_are_told_by_the_names_of_the_file(wrong: dict[str, Any], finding: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read_declaration(wrong, FunctionProps, source="x")
    assert caught.value.findings[0].startswith(finding)


def test_a_container_may_be_as_large_as_its_platform_likes() -> None:
    props = read_declaration({"memorySizeMB": 122880, "architecture": "ARM_64"}, ContainerProps, source="x")
    assert props == ContainerProps(memory_size_mb=122880, architecture=Architecture.ARM_64)
