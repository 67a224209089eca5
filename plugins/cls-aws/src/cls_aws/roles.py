"""Acting as a role, which is assumed again whenever its credentials are about to expire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.session import Session


def act(session: Session, role: str, source: Session, endpoint: str | None) -> None:
    """Have *session* act as *role* (an ARN), assumed with the credentials of *source* at an *endpoint* of STS.

    Nothing is asked before credentials are needed.
    """
    from botocore.credentials import CredentialProvider, CredentialResolver, DeferredRefreshableCredentials

    def assumed() -> dict[str, str]:
        client: Any = source.create_client("sts", endpoint_url=endpoint)
        given = client.assume_role(RoleArn=role, RoleSessionName="clusterless")["Credentials"]
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "expiry_time": given["Expiration"].isoformat(),
        }

    class Role(CredentialProvider):
        METHOD = "assume-role"

        def load(self) -> DeferredRefreshableCredentials:
            return DeferredRefreshableCredentials(assumed, self.METHOD)

    session.register_component("credential_provider", CredentialResolver([Role()]))
