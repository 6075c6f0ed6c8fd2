"""Operations of an organisation: itself, its members, invitations, keys, its log."""

from __future__ import annotations

from track.api.access import Anybody, SignedIn, Within
from track.api.callers import Role, Scope
from track.api.messages import Done, Input, Output
from track.api.operation import PAGED, Call, Operation
from track.organisations import audit, invitations, keys, membership, organisations, residency
from track.organisations.audit import AuditPage
from track.organisations.invitations import Invitation, InvitationPreview
from track.organisations.keys import ApiKey, NewApiKey
from track.organisations.membership import Member, MyOrganisation
from track.organisations.organisations import Organisation, OrganisationChange
from track.organisations.residency import Residency, ResidencyState

BASE = "/api/organisations/{organisation}"


class NewOrganisation(Input, frozen=True, kw_only=True):
    """A new organisation, and where its data may be."""

    name: str
    residency: Residency | None = None


class RoleChange(Input, frozen=True, kw_only=True):
    """Another role."""

    role: Role


class NewInvitation(Input, frozen=True, kw_only=True):
    """Whom to ask to join, and as what."""

    email: str
    role: Role = "member"


class InvitationToken(Input, frozen=True, kw_only=True):
    """The token of an invitation's link."""

    token: str


class Joined(Output, frozen=True, kw_only=True):
    """The organisation that the caller belongs to now."""

    organisation: str


class NewKey(Input, frozen=True, kw_only=True):
    """A key to be made."""

    name: str
    scopes: list[Scope]
    per_minute: int = 600


async def list_organisations(call: Call[None]) -> list[MyOrganisation]:
    """My organisations."""
    return await membership.mine(call.caller.require_person())


async def create_organisation(call: Call[NewOrganisation]) -> Organisation:
    """A new organisation, whose owner I am, with a trial of two weeks."""
    return await organisations.create(call.caller.require_person(), call.body.name, call.body.residency)


async def get_organisation(_: Call[None]) -> Organisation:
    """The organisation and its branding."""
    return await organisations.read()


async def get_residency(_: Call[None]) -> ResidencyState:
    """Where the organisation's data may be, and where it is."""
    return await residency.state()


async def change_organisation(call: Call[OrganisationChange]) -> Organisation:
    """Another name or branding; what is left out stays."""
    return await organisations.change(call.caller, call.body)


async def list_members(_: Call[None]) -> list[Member]:
    """Everybody in the organisation."""
    return await membership.listing()


async def change_member(call: Call[RoleChange]) -> Member:
    """Give a member another role. Only an owner makes or unmakes owners."""
    return await membership.change_role(call.caller, call.path_id("member"), call.body.role)


async def remove_member(call: Call[None]) -> Done:
    """Take a member out, or leave."""
    await membership.remove(call.caller, call.path_id("member"))
    return Done()


async def list_invitations(_: Call[None]) -> list[Invitation]:
    """Who was asked to join and has not answered."""
    return await invitations.listing()


async def invite_member(call: Call[NewInvitation]) -> Invitation:
    """Ask somebody to join, by mail. A seat is held for them."""
    return await invitations.invite(call.caller, call.body.email, call.body.role)


async def withdraw_invitation(call: Call[None]) -> Done:
    """The link stops working."""
    await invitations.withdraw(call.caller, call.path_id("invitation"))
    return Done()


async def look_at_invitation(call: Call[InvitationToken]) -> InvitationPreview:
    """What an invitation says, before accepting it."""
    return await invitations.look(call.body.token)


async def accept_invitation(call: Call[InvitationToken]) -> Joined:
    """Join. The invitation must be for my address."""
    return Joined(organisation=await invitations.accept(call.caller.require_person(), call.body.token))


async def list_keys(_: Call[None]) -> list[ApiKey]:
    """The keys that work."""
    return await keys.listing()


async def create_key(call: Call[NewKey]) -> NewApiKey:
    """A new key; its secret is shown this once."""
    return await keys.create(call.caller, call.body.name, call.body.scopes, call.body.per_minute)


async def revoke_key(call: Call[None]) -> Done:
    """The key stops working at once."""
    await keys.revoke(call.caller, call.path_id("key"))
    return Done()


async def list_audit(call: Call[None]) -> AuditPage:
    """Who did what."""
    return await audit.page(call.after(), call.limit())


ADMIN = Within(role="admin")
OPERATIONS = (
    Operation(method="GET", path="/api/organisations", handler=list_organisations, summary="My organisations",
              tag="organisations", access=SignedIn(), answer=list[MyOrganisation]),
    Operation(method="POST", path="/api/organisations", handler=create_organisation, summary="Create one",
              tag="organisations", access=SignedIn(), body=NewOrganisation, answer=Organisation, status=201),
    Operation(method="GET", path=BASE, handler=get_organisation, summary="The organisation", tag="organisations",
              access=Within(), answer=Organisation),
    Operation(method="PATCH", path=BASE, handler=change_organisation, summary="Change it", tag="organisations",
              access=ADMIN, body=OrganisationChange, answer=Organisation),
    Operation(method="GET", path=f"{BASE}/residency", handler=get_residency, summary="Where its data is",
              tag="organisations", access=Within(), answer=ResidencyState),
    Operation(method="GET", path=f"{BASE}/members", handler=list_members, summary="Members", tag="members",
              access=Within(), answer=list[Member]),
    Operation(method="PATCH", path=f"{BASE}/members/{{member}}", handler=change_member, summary="Change a role",
              tag="members", access=ADMIN, body=RoleChange, answer=Member),
    Operation(method="DELETE", path=f"{BASE}/members/{{member}}", handler=remove_member, summary="Take out",
              tag="members", access=Within(), answer=Done),
    Operation(method="GET", path=f"{BASE}/invitations", handler=list_invitations, summary="Invitations",
              tag="members", access=Within(), answer=list[Invitation]),
    Operation(method="POST", path=f"{BASE}/invitations", handler=invite_member, summary="Invite", tag="members",
              access=ADMIN, body=NewInvitation, answer=Invitation, status=201),
    Operation(method="DELETE", path=f"{BASE}/invitations/{{invitation}}", handler=withdraw_invitation,
              summary="Withdraw an invitation", tag="members", access=ADMIN, answer=Done),
    Operation(method="POST", path="/api/invitations/look", handler=look_at_invitation, tag="members",
              summary="What an invitation says", access=Anybody(), body=InvitationToken, answer=InvitationPreview),
    Operation(method="POST", path="/api/invitations/accept", handler=accept_invitation, summary="Join",
              tag="members", access=SignedIn(), body=InvitationToken, answer=Joined),
    Operation(method="GET", path=f"{BASE}/keys", handler=list_keys, summary="API keys", tag="keys", access=ADMIN,
              answer=list[ApiKey]),
    Operation(method="POST", path=f"{BASE}/keys", handler=create_key, summary="Make a key", tag="keys",
              access=ADMIN, body=NewKey, answer=NewApiKey, status=201),
    Operation(method="DELETE", path=f"{BASE}/keys/{{key}}", handler=revoke_key, summary="Revoke a key", tag="keys",
              access=ADMIN, answer=Done),
    Operation(method="GET", path=f"{BASE}/audit", handler=list_audit, summary="Who did what", tag="organisations",
              access=ADMIN, answer=AuditPage, query=PAGED),
)  # fmt: skip
