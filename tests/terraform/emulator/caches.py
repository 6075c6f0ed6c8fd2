"""ElastiCache as far as the provider asks: moto has no parameter groups, no user groups, and forgets members.

Each thing is kept as the provider gave it and told as AWS would. Nothing is started: there is no Valkey behind it.
"""

from __future__ import annotations

from typing import Any, ClassVar

from moto.core.responses import ActionResult
from moto.elasticache.responses import ElastiCacheResponse

Thing = dict[str, Any]


class NotThereError(Exception):
    """What AWS says of something that is not there."""


class Caches:
    """The operations, in place of moto's. One account and region: a server serves one test."""

    kept: ClassVar[dict[str, dict[str, Thing]]] = {}

    def __init__(self, response: Any, kind: str, key: str, missing: str) -> None:
        self.given: Thing = response._get_params()
        self.response, self.key, self.missing = response, key, missing
        self.things = self.kept.setdefault(kind, {})

    def create(self, **rest: Any) -> Thing:
        """Keep what was given, with what AWS adds."""
        name = self.given[self.key]
        self.things[name] = {**self.given, **rest}
        return self.things[name]

    def found(self) -> list[Thing]:
        """The one that is named, or all. Raises the fault that AWS has for it."""
        name = self.given.get(self.key)
        if name is None:
            return list(self.things.values())
        if name not in self.things:
            raise self.fault()
        return [self.things[name]]

    def delete(self) -> Thing:
        """Forget it."""
        thing = {**self.found()[0], "Status": "deleting"}
        del self.things[self.given[self.key]]
        return thing

    def fault(self) -> Exception:
        """The fault of ElastiCache that says so."""
        from moto.elasticache.exceptions import ElastiCacheException

        class MissingFault(ElastiCacheException):
            code = self.missing

        return MissingFault(f"{self.given.get(self.key)} is not there")


def mend_caches() -> None:
    """Every operation that the provider needs for a replication group with users."""
    target: Any = ElastiCacheResponse
    for name, operation in _parameter_groups().items() | _users().items() | _groups().items():
        setattr(target, name, operation)


def _arn(response: Any, kind: str, name: str) -> str:
    return f"arn:aws:elasticache:{response.region}:{response.current_account}:{kind}:{name}"


def _parameter_groups() -> dict[str, Any]:
    def of(self: Any) -> Caches:
        return Caches(self, "parameters", "CacheParameterGroupName", "CacheParameterGroupNotFound")

    def create(self: Any) -> ActionResult:
        name = of(self).given["CacheParameterGroupName"]
        group = of(self).create(ARN=_arn(self, "parametergroup", name), IsGlobal=False, values={})
        return ActionResult({"CacheParameterGroup": group})

    def modify(self: Any) -> ActionResult:
        group = of(self).found()[0]
        for each in of(self).given.get("ParameterNameValues", []):
            group["values"][each["ParameterName"]] = each["ParameterValue"]
        return ActionResult({"CacheParameterGroupName": group["CacheParameterGroupName"]})

    def values(self: Any) -> ActionResult:
        found = of(self).found()[0]["values"]
        told = [
            {"ParameterName": name, "ParameterValue": value, "Source": "user"} for name, value in found.items()
        ]
        return ActionResult({"Parameters": told})

    def describe(self: Any) -> ActionResult:
        return ActionResult({"CacheParameterGroups": of(self).found()})

    def delete(self: Any) -> ActionResult:
        of(self).delete()
        return ActionResult({})

    return {
        "create_cache_parameter_group": create,
        "modify_cache_parameter_group": modify,
        "describe_cache_parameters": values,
        "describe_cache_parameter_groups": describe,
        "delete_cache_parameter_group": delete,
    }


def _users() -> dict[str, Any]:
    def user(self: Any) -> Caches:
        return Caches(self, "users", "UserId", "UserNotFound")

    def group(self: Any) -> Caches:
        return Caches(self, "user groups", "UserGroupId", "UserGroupNotFound")

    def create_user(self: Any) -> ActionResult:
        given = user(self).given
        mode = {
            "Type": given.get("AuthenticationMode", {}).get("Type", "no-password-required"),
            "PasswordCount": 0,
        }
        added = {"ARN": _arn(self, "user", given["UserId"]), "Status": "active", "Authentication": mode}
        return ActionResult(user(self).create(**added))

    def create_group(self: Any) -> ActionResult:
        name = group(self).given["UserGroupId"]
        return ActionResult(group(self).create(ARN=_arn(self, "usergroup", name), Status="active"))

    return {
        "create_user": create_user,
        "describe_users": lambda self: ActionResult({"Users": user(self).found()}),
        "delete_user": lambda self: ActionResult(user(self).delete()),
        "create_user_group": create_group,
        "describe_user_groups": lambda self: ActionResult({"UserGroups": group(self).found()}),
        "delete_user_group": lambda self: ActionResult(group(self).delete()),
    }


def _groups() -> dict[str, Any]:
    def group(self: Any) -> Caches:
        return Caches(self, "groups", "ReplicationGroupId", "ReplicationGroupNotFoundFault")

    def member(self: Any) -> Caches:
        return Caches(self, "members", "CacheClusterId", "CacheClusterNotFound")

    def create(self: Any) -> ActionResult:
        given = group(self).given
        name = given["ReplicationGroupId"]
        members = [f"{name}-{number:03d}" for number in range(1, int(given.get("NumCacheClusters", 1)) + 1)]
        for each in members:
            member(self).things[each] = _member(self, given, each)
        return ActionResult({"ReplicationGroup": group(self).create(**_group(self, given, members))})

    def delete(self: Any) -> ActionResult:
        gone = group(self).delete()
        for each in gone["MemberClusters"]:
            member(self).things.pop(each)
        return ActionResult({"ReplicationGroup": gone})

    def delete_subnets(self: Any) -> ActionResult:
        self.elasticache_backend.cache_subnet_groups.pop(self._get_params()["CacheSubnetGroupName"], None)
        return ActionResult({})

    return {
        "create_replication_group": create,
        "describe_replication_groups": lambda self: ActionResult({"ReplicationGroups": group(self).found()}),
        "delete_replication_group": delete,
        "describe_cache_clusters": lambda self: ActionResult({"CacheClusters": member(self).found()}),
        "delete_cache_subnet_group": delete_subnets,
        "list_tags_for_resource": _tags,
    }


def _tags(response: Any) -> ActionResult:
    """The tags that a thing was made with."""
    wanted = response._get_params()["ResourceName"]
    backend = response.elasticache_backend
    kept = [thing for things in Caches.kept.values() for thing in things.values() if thing.get("ARN") == wanted]
    kept += [{"Tags": group.tags} for group in backend.cache_subnet_groups.values() if group.arn == wanted]
    return ActionResult({"TagList": kept[0].get("Tags", []) if kept else []})


def _group(response: Any, given: Thing, members: list[str]) -> Thing:
    """What AWS tells of a group beyond what it was given."""
    endpoint = {"Address": f"{given['ReplicationGroupId']}.cache.example.com", "Port": given.get("Port", 6379)}
    nodes = [{"CacheClusterId": each, "CurrentRole": "primary" if not index else "replica", "CacheNodeId": "0001"}
             for index, each in enumerate(members)]  # fmt: skip
    shard = {"NodeGroupId": "0001", "Status": "available", "PrimaryEndpoint": endpoint, "ReaderEndpoint": endpoint,
             "NodeGroupMembers": nodes}  # fmt: skip
    return {
        "ARN": _arn(response, "replicationgroup", given["ReplicationGroupId"]),
        "Description": given.get("ReplicationGroupDescription"),
        "Status": "available",
        "MemberClusters": members,
        "NodeGroups": [shard],
        "AutomaticFailover": "enabled" if _true(given, "AutomaticFailoverEnabled") else "disabled",
        "MultiAZ": "enabled" if _true(given, "MultiAZEnabled") else "disabled",
        "ClusterEnabled": False,
        "ClusterMode": "disabled",
        "TransitEncryptionMode": "required" if _true(given, "TransitEncryptionEnabled") else None,
        "LogDeliveryConfigurations": [
            {**each, "Status": "active"} for each in given.get("LogDeliveryConfigurations", [])
        ],
    }


def _member(response: Any, given: Thing, name: str) -> Thing:
    told = ("CacheNodeType", "Engine", "EngineVersion", "CacheSubnetGroupName", "ReplicationGroupId",
            "SnapshotWindow", "SnapshotRetentionLimit", "PreferredMaintenanceWindow", "AutoMinorVersionUpgrade",
            "TransitEncryptionEnabled", "TransitEncryptionMode", "AtRestEncryptionEnabled")  # fmt: skip
    groups = [{"SecurityGroupId": each, "Status": "active"} for each in given.get("SecurityGroupIds", [])]
    return {
        **{key: given[key] for key in told if key in given},
        "CacheClusterId": name,
        "CacheClusterStatus": "available",
        "NumCacheNodes": 1,
        "ARN": _arn(response, "cluster", name),
        "SecurityGroups": groups,
        "CacheParameterGroup": {"CacheParameterGroupName": given.get("CacheParameterGroupName")},
    }


def _true(given: Thing, name: str) -> bool:
    return str(given.get(name, "")).lower() == "true"
