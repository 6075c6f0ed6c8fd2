"""What version 6 of the AWS provider removed, renamed or refuses: no module of ours says it.

Terraform's mirrors here hold 5.100, where plans are made; the modules allow 6.x. The table is HashiCorp's list of
changes from 5 to 6, read on 2026-11-21:
https://github.com/hashicorp/terraform-provider-aws/blob/main/website/docs/guides/version-6-upgrade.html.markdown
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.terraform import golden
from tests.terraform.module_harness import MODULES

#: Blocks of these types are gone, or will be with the next version.
GONE = re.compile(
    r"aws_(simpledb|worklink|opsworks|elastictranscoder|evidently|media_store|kinesis_analytics_application|"
    r"redshift_service_account|kms_secret\b)"
)
#: type of resource or data source -> arguments and attributes that are gone or mean something else.
REMOVED: Mapping[str, tuple[str, ...]] = {
    "aws_api_gateway_account": ("reset_on_delete",),
    "aws_api_gateway_deployment": ("stage_name", "stage_description", "canary_settings", "invoke_url"),
    "aws_batch_compute_environment": ("compute_environment_name", "compute_environment_name_prefix"),
    "aws_batch_job_queue": ("compute_environments",),
    "aws_cloudfront_response_headers_policy": ("etag",),
    "aws_dms_endpoint": ("s3_settings",),
    "aws_dx_gateway_association": ("vpn_gateway_id",),
    "aws_ecs_task_definition": ("inference_accelerator",),
    "aws_ecs_task_execution": ("inference_accelerator_overrides",),
    "aws_eip": ("vpc",),
    "aws_eks_addon": ("resolve_conflicts",),
    "aws_elasticache_replication_group": ("auth_token",),  # allowed, with its update strategy beside it
    "aws_flow_log": ("log_group_name",),
    "aws_globalaccelerator_accelerator": ("id",),
    "aws_guardduty_detector": ("datasources",),
    "aws_guardduty_organization_configuration": ("auto_enable", "datasources"),
    "aws_identitystore_group": ("filter",),
    "aws_identitystore_user": ("filter",),
    "aws_instance": ("cpu_core_count", "cpu_threads_per_core", "user_data"),  # user_data is kept in clear text
    "aws_launch_template": ("elastic_gpu_specifications", "elastic_inference_accelerator"),
    "aws_networkmanager_core_network": ("base_policy_region",),
    "aws_opensearch_domain": ("kibana_endpoint",),
    "aws_redshift_cluster": ("snapshot_copy", "logging", "cluster_public_key", "cluster_revision_number"),
    "aws_region": ("name",),
    "aws_s3_bucket": ("region",),  # bucket_region tells where it is; region chooses where
    "aws_sagemaker_notebook_instance": ("accelerator_types",),
    "aws_service_discovery_service": ("tags_all",),
    "aws_servicequotas_template": ("region",),
    "aws_spot_instance_request": ("block_duration_minutes",),
    "aws_ssm_association": ("instance_id",),
    "aws_vpc_endpoint_service": ("region",),
    "aws_vpc_peering_connection": ("region",),
}
#: Where 0 and 1 were taken for false and true.
BOOLEANS = re.compile(
    r"^ *(at_rest_encryption_enabled|auto_minor_version_upgrade|preserve_client_ip|delete_on_termination|encrypted"
    r"|ebs_optimized|associate_public_ip_address) += [\"01]"
)
BLOCK = re.compile(r'(?ms)^(?:resource|data|ephemeral) "(?P<type>aws_\w+)" "(?P<name>\w+)" \{$(?P<body>.*?)^\}$')


def complaints(text: str) -> Iterator[str]:
    """What version 6 would refuse in one file."""
    for block in BLOCK.finditer(text):
        kind = block["type"]
        if GONE.match(kind):
            yield f"{kind} is gone"
        for name in REMOVED.get(kind, ()):
            if re.search(rf"^  {name}(?: += | \{{)", block["body"], re.MULTILINE):
                yield f"{kind}.{name} is set"
        yield from (f"{kind}: {line.strip()}" for line in block["body"].splitlines() if BOOLEANS.match(line))
    for kind, names in REMOVED.items():
        for name in names:
            if re.search(rf"\b{kind}\.\w+(?:\[[^\]]*\])?\.{name}\b", text):
                yield f"{kind}.{name} is read"
    if re.search(r"^  (endpoints|s3_us_east_1_regional_endpoint)\b", text, re.MULTILINE):
        yield "an argument of the provider"


@pytest.mark.parametrize("module", sorted(path.parent.name for path in MODULES.glob("*/main.tf")))
def test_no_module_says_what_version_6_refuses(module: str) -> None:
    found = {path.name: list(complaints(path.read_text())) for path in (MODULES / module).rglob("*.tf")}
    assert {name: said for name, said in found.items() if said} == {}


def test_no_root_says_it_either() -> None:
    roots = {path: text for path, text in golden.roots().items() if path.endswith(".tf")}
    assert [said for text in roots.values() for said in complaints(text)] == []


def test_modules_allow_it_and_not_the_one_after() -> None:
    for path in MODULES.glob("*/versions.tf"):
        assert 'version = ">= 5.100, < 7"' in path.read_text(), path


def test_what_is_refused_would_be_found() -> None:
    text = """
resource "aws_eip" "this" {
  vpc = true
}

resource "aws_simpledb_domain" "old" {
  name = "old"
}

resource "aws_launch_template" "this" {
  block_device_mappings {
    ebs {
      encrypted = 1
    }
  }
}

output "where" {
  value = data.aws_region.current.name
}
"""
    assert list(complaints(text)) == [
        "aws_eip.vpc is set", "aws_simpledb_domain is gone", "aws_launch_template: encrypted = 1",
        "aws_region.name is read",
    ]  # fmt: skip
    assert "version-6-upgrade" in (Path(__file__).parents[2] / "docs/reference/provider-versions.md").read_text()
