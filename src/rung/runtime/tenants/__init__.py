"""Tenants: where each one's rows are, how one is moved, exported and deleted, and what it may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rung.front_door import open_on_use

if TYPE_CHECKING:
    from rung.runtime.tenants.carry import for_tenants as for_tenants
    from rung.runtime.tenants.carry import tenant_key as tenant_key
    from rung.runtime.tenants.places import Place as Place
    from rung.runtime.tenants.places import TenantMap as TenantMap
    from rung.runtime.tenants.quota import Allowance as Allowance
    from rung.runtime.tenants.quota import Quota as Quota
    from rung.runtime.tenants.quota import QuotaExceededError as QuotaExceededError
    from rung.runtime.tenants.tables import install_tenants as install_tenants

_HOME_OF = {
    "Allowance": "rung.runtime.tenants.quota",
    "Place": "rung.runtime.tenants.places",
    "Quota": "rung.runtime.tenants.quota",
    "QuotaExceededError": "rung.runtime.tenants.quota",
    "TenantMap": "rung.runtime.tenants.places",
    "for_tenants": "rung.runtime.tenants.carry",
    "install_tenants": "rung.runtime.tenants.tables",
    "tenant_key": "rung.runtime.tenants.carry",
}


open_on_use(__name__, _HOME_OF)
