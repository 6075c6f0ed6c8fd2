"""What a project needs around its infrastructure: image, pipelines, targets, runbooks and documents."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rung.delivery.documents import document_files
from rung.delivery.failures import failure_files, runbooks_named
from rung.delivery.front_ends import front_ends
from rung.delivery.images import image_files
from rung.delivery.makefile import makefile
from rung.delivery.project import project_of
from rung.delivery.release import release_files
from rung.delivery.runbooks import runbook_files
from rung.delivery.workflows import workflow_files
from rung.model.graph import Graph
from rung.parts.design import Design


def files(graph: Graph, designs: Mapping[str, Design]) -> dict[str, str]:
    """Everything but Terraform and the machines' own files, by path relative to the application's folder.

    `designs` maps each environment to its design. Reads the folder of the workload for the names of its lock
    files and for the builds of its front ends, and writes nothing.
    """
    project, built = project_of(Path(graph.root)), front_ends(graph)
    return {
        **image_files(graph, designs, project),
        **makefile(designs, project, built),
        **release_files(graph.name, designs),
        **workflow_files(designs, project, built),
        **runbook_files(designs, runbooks_named(designs)),
        **failure_files(designs),
        **document_files(graph, designs),
    }
