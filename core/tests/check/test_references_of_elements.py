from __future__ import annotations

from pathlib import Path

from attrs import Factory, frozen

from clusterless.deploy.places import Placed
from clusterless.deploy.references import references
from clusterless.engine.graph_parts import Part
from clusterless.model.element import Resource
from clusterless.model.placement import Placement
from clusterless.model.project import Deployable, Project


@frozen(kw_only=True)
class Inner:
    database_ref: str | None = None


@frozen(kw_only=True)
class Table(Resource):
    database_ref: str = ""
    inner: Inner = Factory(Inner)


def found(*resources: Resource) -> list[str]:
    deployable = Deployable(
        project=Project(name="p", version="1"), placement=Placement(provider="local"), resources=resources
    )
    part = Part(deployable=deployable, file="p.json", at="$", place="here", elsewhere={})
    return [str(each) for each in references(Placed(part=part, base=Path("/")))]


def test_what_is_declared_is_found_at_any_depth() -> None:
    base = Resource(type="x:y:base", name="base")
    assert (
        found(base, Table(type="x:y:table", name="t", database_ref="base", inner=Inner(database_ref="y:base:base")))
        == []
    )


def test_each_reference_to_nothing_is_told_with_its_path() -> None:
    table = Table(type="x:y:table", name="t", database_ref="nowhere", inner=Inner(database_ref="t:u"))
    one, other = found(table)
    assert one.startswith("p.json: $.resources[0].databaseRef: no resource of this project is 'nowhere' (declared: t)")
    assert other.startswith("p.json: $.resources[0].inner.databaseRef: ")
    assert other.endswith("refer to it by its 'name'")


def test_what_is_left_out_refers_to_nothing() -> None:
    assert found(Table(type="x:y:table", name="t")) == []
