"""What cls-docker answers when clusterless asks; imports no SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from clusterless.hookspecs import hookimpl

# What is declared is imported with the answer that describes it: `cls --help` needs none of it.
if TYPE_CHECKING:
    from cls_docker.activities import ContainerActivity
    from cls_docker.components import ContainerArc
    from cls_docker.resources import ImageResource
    from clusterless.model.arc import Arc
    from clusterless.provider import (
        ActivityComponent,
        ArcComponent,
        Container,
        ContainerEngine,
        ResourceComponent,
        RunnableActivity,
        Surroundings,
        Workload,
    )


@hookimpl
def cls_resources() -> Iterable[ResourceComponent]:
    from cls_docker.resources import ImageResource
    from clusterless.provider import ResourceComponent

    summary = "an image that is built, tagged, and pushed"
    return [ResourceComponent(type="docker:core:imageResource", model=ImageResource, summary=summary, load=_image)]


@hookimpl
def cls_arcs() -> Iterable[ArcComponent]:
    from cls_docker.components import ContainerArc
    from clusterless.provider import ArcComponent

    summary = "a container for each lot, under the workload contract"
    return [ArcComponent(type="docker:core:containerArc", model=ContainerArc, summary=summary, load=_container_arc)]


@hookimpl
def cls_activities() -> Iterable[ActivityComponent]:
    from cls_docker.activities import ContainerActivity
    from clusterless.provider import ActivityComponent

    type_, summary = "docker:core:containerActivity", "a container on a clock"
    return [ActivityComponent(type=type_, model=ContainerActivity, summary=summary, load=_container_activity)]


@hookimpl
def cls_engines() -> Iterable[ContainerEngine]:
    from clusterless.provider import ContainerEngine

    summary = "Docker, Podman, or what else speaks the Docker API at DOCKER_HOST"
    return [ContainerEngine(name="docker", summary=summary, load=_engine)]


def _image() -> Callable[[ImageResource, Surroundings], None]:
    from cls_docker.image_resource import make_image

    return make_image


def _container_activity() -> Callable[[ContainerActivity, Surroundings], RunnableActivity]:
    from cls_docker.container_activity import open_activity

    return open_activity


def _container_arc() -> Callable[[ContainerArc, Surroundings], Workload]:
    from cls_docker.workload import open_arc

    return open_arc


def _engine() -> Callable[[Arc, Container, Surroundings], Workload]:
    from cls_docker.workload import open_any

    return open_any
