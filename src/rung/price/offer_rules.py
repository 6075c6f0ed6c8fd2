"""Which products of AWS's price list are which rows of our book: a table, one line for each usage.

`usage_type` is matched against the whole usage type without its region's mark; `where` narrows what the usage
type leaves open (tenancy, engine, deployment): a filter that is too wide is refused, never guessed (R1104).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

Where = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`usage` and `mode` may use the groups of `usage_type`. A unit of ours is `scale` units of AWS's."""

    offer: str
    usage_type: str
    service: str
    usage: str
    mode: str = ""
    unit: str = "hour"
    scale: float = 1.0
    where: Where = ()
    region: str | None = None


_LINUX: Where = (
    ("operatingSystem", ("Linux",)), ("tenancy", ("Shared",)), ("preInstalledSw", ("NA",)),
    ("capacitystatus", ("Used",)), ("licenseModel", ("No License required",)),
)  # fmt: skip
_POSTGRES: Where = (("databaseEngine", ("PostgreSQL",)),)
_AURORA: Where = (("databaseEngine", ("Aurora PostgreSQL",)),)
_MILLION, _THOUSAND, _TEN_THOUSAND = 1e6, 1e3, 1e4

RULES: tuple[Rule, ...] = (
    Rule(offer="AmazonEC2", usage_type=r"BoxUsage:([a-z0-9]+\.[a-z0-9]+)", service="ec2", usage=r"\1",
         mode="on-demand", where=_LINUX),
    Rule(offer="AmazonEC2", usage_type=r"EBS:VolumeUsage\.gp3", service="ebs", usage="gp3-storage",
         unit="GB-month"),
    Rule(offer="AmazonEC2", usage_type=r"EBS:VolumeP-IOPS\.gp3", service="ebs", usage="gp3-iops",
         unit="IOPS-month"),
    Rule(offer="AmazonEC2", usage_type=r"EBS:SnapshotUsage", service="ebs", usage="snapshot-storage",
         unit="GB-month"),
    Rule(offer="AmazonEC2", usage_type=r"NatGateway-Hours", service="nat-gateway", usage="hour"),
    Rule(offer="AmazonEC2", usage_type=r"NatGateway-Bytes", service="nat-gateway", usage="data-processed",
         unit="GB"),
    Rule(offer="AmazonEC2", usage_type=r"CPUCredits:(t3|t4g)", service="ec2", usage="cpu-credit", mode=r"\1",
         unit="vCPU-hour", where=(("operatingSystem", ("Linux",)),)),
    Rule(offer="AmazonVPC", usage_type=r"PublicIPv4:InUseAddress", service="vpc", usage="public-ipv4",
         mode="in-use"),
    Rule(offer="AmazonVPC", usage_type=r"PublicIPv4:IdleAddress", service="vpc", usage="public-ipv4", mode="idle"),
    Rule(offer="AmazonVPC", usage_type=r"VpcEndpoint-Hours", service="vpc", usage="interface-endpoint-hour"),
    Rule(offer="AmazonVPC", usage_type=r"VpcEndpoint-Bytes", service="vpc", usage="interface-endpoint-data",
         unit="GB"),
    Rule(offer="AWSELB", usage_type=r"LoadBalancerUsage", service="load-balancer", usage="application-hour",
         where=(("productFamily", ("Load Balancer-Application",)),)),
    Rule(offer="AWSELB", usage_type=r"LCUUsage", service="load-balancer", usage="application-lcu", unit="LCU-hour",
         where=(("productFamily", ("Load Balancer-Application",)),)),
    Rule(offer="AmazonECS", usage_type=r"Fargate-vCPU-Hours:perCPU", service="fargate", usage="vcpu",
         mode="x86_64", unit="vCPU-hour"),
    Rule(offer="AmazonECS", usage_type=r"Fargate-GB-Hours", service="fargate", usage="memory", mode="x86_64",
         unit="GB-hour"),
    Rule(offer="AmazonECS", usage_type=r"Fargate-ARM-vCPU-Hours:perCPU", service="fargate", usage="vcpu",
         mode="arm64", unit="vCPU-hour"),
    Rule(offer="AmazonECS", usage_type=r"Fargate-ARM-GB-Hours", service="fargate", usage="memory", mode="arm64",
         unit="GB-hour"),
    Rule(offer="AmazonECS", usage_type=r"Fargate-EphemeralStorage-GB-Hours", service="fargate",
         usage="ephemeral-storage", unit="GB-hour"),
    Rule(offer="AmazonRDS", usage_type=r"InstanceUsage:(db\.[a-z0-9]+\.[a-z0-9]+)", service="rds-postgresql",
         usage=r"\1", mode="single-az", where=_POSTGRES),
    Rule(offer="AmazonRDS", usage_type=r"Multi-AZUsage:(db\.[a-z0-9]+\.[a-z0-9]+)", service="rds-postgresql",
         usage=r"\1", mode="multi-az", where=_POSTGRES),
    Rule(offer="AmazonRDS", usage_type=r"RDS:GP3-Storage", service="rds", usage="gp3-storage", mode="single-az",
         unit="GB-month", where=_POSTGRES),
    Rule(offer="AmazonRDS", usage_type=r"RDS:Multi-AZ-GP3-Storage", service="rds", usage="gp3-storage",
         mode="multi-az", unit="GB-month", where=_POSTGRES),
    Rule(offer="AmazonRDS", usage_type=r"RDS:ChargedBackupUsage", service="rds", usage="backup-storage",
         unit="GB-month", where=(("databaseEngine", ("PostgreSQL", "Any")),)),
    Rule(offer="AmazonRDS", usage_type=r"InstanceUsage:(db\.[a-z0-9]+\.[a-z0-9]+)", service="aurora-postgresql",
         usage=r"\1", mode="standard", where=_AURORA),
    Rule(offer="AmazonRDS", usage_type=r"InstanceUsageIOOptimized:(db\.[a-z0-9]+\.[a-z0-9]+)",
         service="aurora-postgresql", usage=r"\1", mode="io-optimized", where=_AURORA),
    Rule(offer="AmazonRDS", usage_type=r"Aurora:ServerlessV2Usage", service="aurora", usage="serverless-acu",
         mode="standard", unit="ACU-hour", where=_AURORA),
    Rule(offer="AmazonRDS", usage_type=r"Aurora:ServerlessV2IOOptimizedUsage", service="aurora",
         usage="serverless-acu", mode="io-optimized", unit="ACU-hour", where=_AURORA),
    Rule(offer="AmazonRDS", usage_type=r"Aurora:StorageUsage", service="aurora", usage="storage", mode="standard",
         unit="GB-month", where=(("databaseEngine", ("Aurora PostgreSQL", "Any")),)),
    Rule(offer="AmazonRDS", usage_type=r"Aurora:IO-OptimizedStorageUsage", service="aurora", usage="storage",
         mode="io-optimized", unit="GB-month", where=(("databaseEngine", ("Aurora PostgreSQL", "Any")),)),
    Rule(offer="AmazonRDS", usage_type=r"Aurora:StorageIOUsage", service="aurora", usage="io-requests",
         mode="standard", unit="million", scale=_MILLION,
         where=(("databaseEngine", ("Aurora PostgreSQL", "Any")),)),
    Rule(offer="AmazonRDS", usage_type=r"Aurora:BackupUsage", service="aurora", usage="backup-storage",
         unit="GB-month", where=(("databaseEngine", ("Aurora PostgreSQL",)),)),
    Rule(offer="AmazonElastiCache", usage_type=r"NodeUsage:(cache\.[a-z0-9]+\.[a-z0-9]+)", service="elasticache",
         usage=r"\1", mode="valkey", where=(("cacheEngine", ("Valkey",)),)),
    Rule(offer="AmazonElastiCache", usage_type=r"NodeUsage:(cache\.[a-z0-9]+\.[a-z0-9]+)", service="elasticache",
         usage=r"\1", mode="redis", where=(("cacheEngine", ("Redis",)),)),
    Rule(offer="AmazonMQ", usage_type=r".*?(mq\.[a-z0-9]+\.[a-z0-9]+).*", service="amazon-mq", usage=r"\1",
         mode="rabbitmq", where=(("brokerEngine", ("RabbitMQ",)), ("deploymentOption", ("Single-AZ",)))),
    Rule(offer="AmazonMQ", usage_type=r"TimedStorage-RabbitMQ-ByteHrs", service="amazon-mq", usage="storage",
         mode="rabbitmq", unit="GB-month"),
    Rule(offer="AWSQueueService", usage_type=r"Requests-Tier1|Requests", service="sqs", usage="requests",
         mode="standard", unit="million", scale=_MILLION, where=(("queueType", ("Standard",)),)),
    Rule(offer="AWSEvents", usage_type=r"Event-64K-Chunks", service="eventbridge", usage="events", unit="million",
         scale=_MILLION, where=(("eventType", ("Custom Event",)),)),
    Rule(offer="AWSEvents", usage_type=r"ScheduledInvocation|Scheduler-Invocations", service="eventbridge",
         usage="scheduler-invocations", unit="million", scale=_MILLION),
    Rule(offer="AWSSecretsManager", usage_type=r"AWSSecretsManager-Secrets", service="secrets-manager",
         usage="secret", unit="secret-month"),
    Rule(offer="AWSSecretsManager", usage_type=r"AWSSecretsManagerAPIRequest", service="secrets-manager",
         usage="requests", unit="ten thousand", scale=_TEN_THOUSAND),
    Rule(offer="AmazonS3", usage_type=r"TimedStorage-ByteHrs", service="s3", usage="storage", mode="standard",
         unit="GB-month", where=(("storageClass", ("General Purpose",)),)),
    Rule(offer="AmazonS3", usage_type=r"Requests-Tier1", service="s3", usage="write-requests", mode="standard",
         unit="thousand", scale=_THOUSAND),
    Rule(offer="AmazonS3", usage_type=r"Requests-Tier2", service="s3", usage="read-requests", mode="standard",
         unit="thousand", scale=_THOUSAND),
    Rule(offer="AmazonCloudWatch", usage_type=r"DataProcessing-Bytes", service="cloudwatch", usage="log-ingest",
         unit="GB"),
    Rule(offer="AmazonCloudWatch", usage_type=r"TimedStorage-ByteHrs", service="cloudwatch", usage="log-storage",
         unit="GB-month"),
    Rule(offer="AmazonCloudWatch", usage_type=r"CW:MetricMonitorUsage", service="cloudwatch",
         usage="custom-metric", unit="metric-month"),
    Rule(offer="AmazonCloudWatch", usage_type=r"CW:AlarmMonitorUsage", service="cloudwatch", usage="alarm",
         mode="standard", unit="alarm-month"),
    Rule(offer="AmazonCloudWatch", usage_type=r"DashboardsUsageHour", service="cloudwatch", usage="dashboard",
         unit="dashboard-month", region="all"),
    Rule(offer="AWSConfig", usage_type=r"ConfigurationItemRecorded", service="config", usage="configuration-item",
         mode="continuous", unit="item"),
    Rule(offer="AWSConfig", usage_type=r"ConfigRuleEvaluations", service="config", usage="rule-evaluation",
         unit="evaluation"),
    Rule(offer="awswaf", usage_type=r"WebACLV2", service="waf", usage="web-acl", unit="month"),
    Rule(offer="awswaf", usage_type=r"RuleV2", service="waf", usage="rule", unit="month"),
    Rule(offer="awswaf", usage_type=r"RequestV2-Tier1", service="waf", usage="requests", unit="million",
         scale=_MILLION),
    Rule(offer="awskms", usage_type=r"KMS-Keys", service="kms", usage="key", unit="key-month"),
    Rule(offer="awskms", usage_type=r"KMS-Requests", service="kms", usage="requests", unit="ten thousand",
         scale=_TEN_THOUSAND),
    Rule(offer="AWSDataTransfer", usage_type=r"DataTransfer-Out-Bytes", service="data-transfer",
         usage="internet-out", unit="GB",
         where=(("toLocation", ("External",)), ("transferType", ("AWS Outbound",)))),
    Rule(offer="AWSDataTransfer", usage_type=r"DataTransfer-Regional-Bytes", service="data-transfer",
         usage="between-zones", unit="GB", where=(("transferType", ("IntraRegion",)),)),
    Rule(offer="AWSLambda", usage_type=r"Lambda-GB-Second", service="lambda", usage="duration", mode="x86_64",
         unit="GB-second"),
    Rule(offer="AWSLambda", usage_type=r"Lambda-GB-Second-ARM", service="lambda", usage="duration", mode="arm64",
         unit="GB-second"),
    *(Rule(offer="AWSLambda", usage_type=usage_type + mark, service="lambda", usage=usage, mode=mode,
           unit="GB-second")
      for usage_type, usage in (("Lambda-Provisioned-Concurrency", "provisioned-concurrency"),
                                ("Lambda-Provisioned-GB-Second", "provisioned-duration"))
      for mark, mode in (("", "x86_64"), ("-ARM", "arm64"))),
    Rule(offer="AWSLambda", usage_type=r"Request", service="lambda", usage="requests", unit="million",
         scale=_MILLION),
    Rule(offer="AmazonApiGateway", usage_type=r"ApiGatewayHttpRequest", service="api-gateway",
         usage="http-requests", unit="million", scale=_MILLION),
    Rule(offer="AmazonApiGateway", usage_type=r"ApiGatewayRequest", service="api-gateway", usage="rest-requests",
         unit="million", scale=_MILLION),
    Rule(offer="AmazonDynamoDB", usage_type=r"ReadRequestUnits", service="dynamodb", usage="read-requests",
         mode="on-demand", unit="million", scale=_MILLION),
    Rule(offer="AmazonDynamoDB", usage_type=r"WriteRequestUnits", service="dynamodb", usage="write-requests",
         mode="on-demand", unit="million", scale=_MILLION),
    Rule(offer="AmazonDynamoDB", usage_type=r"TimedStorage-ByteHrs", service="dynamodb", usage="storage",
         unit="GB-month", where=(("volumeType", ("Amazon DynamoDB - Indexed DataStore",)),)),
    Rule(offer="AmazonDynamoDB", usage_type=r"TimedPITRStorage-ByteHrs", service="dynamodb",
         usage="point-in-time-recovery-storage", unit="GB-month"),
    Rule(offer="AmazonEKS", usage_type=r"AmazonEKS-Hours:perCluster", service="eks", usage="control-plane",
         mode="standard", unit="cluster-hour"),
    Rule(offer="AWSBackup", usage_type=r"WarmStorage-ByteHrs-(EFS|DynamoDB)", service="backup",
         usage=r"\1-storage", mode="warm", unit="GB-month", where=(("operation", ("Storage",)),)),
    Rule(offer="AmazonS3", usage_type=r"TimedStorage-GIR-ByteHrs", service="s3", usage="storage",
         mode="instant-retrieval", unit="GB-month"),
    Rule(offer="AmazonECR", usage_type=r"TimedStorage-ByteHrs", service="ecr", usage="storage", unit="GB-month"),
)  # fmt: skip


@cache
def rules_of(offer: str) -> tuple[Rule, ...]:
    """The rules for one offer code."""
    return tuple(rule for rule in RULES if rule.offer == offer)


def offer_codes() -> tuple[str, ...]:
    """The services whose offers are read."""
    return tuple(sorted({rule.offer for rule in RULES}))
