"""The versions of what the pipelines call. Actions by their commit: a tag can be moved, a commit cannot.

The commits are those that the projects' own repositories give for the versions beside them (September 2026).
"""

from __future__ import annotations

from types import MappingProxyType

ACTIONS = MappingProxyType(
    {
        "checkout": "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
        "setup_python": "actions/setup-python@ece7cb06caefa5fff74198d8649806c4678c61a1 # v6.3.0",
        "setup_node": "actions/setup-node@820762786026740c76f36085b0efc47a31fe5020 # v7.0.0",
        "credentials": "aws-actions/configure-aws-credentials@e6de054238d6b7531b4efff3b6587d9aade6a06c # v6.2.3",
        "setup_terraform": "hashicorp/setup-terraform@dfe3c3f87815947d99a8997f908cb6525fc44e9e # v4.0.1",
        "upload": "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0",
        "download": "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1",
    }
)

TOOLS = MappingProxyType(
    {
        "python": "3.13",
        "node": "24",
        "terraform": "1.11.4",
        "checkov": "3.3.30",
        "pip_audit": "2.10.1",
        "ruff": "0.17.5",
        "hadolint": "2.15.1",
        "shellcheck": "0.11.0.1",
        "zizmor": "1.32.0",
    }
)
