"""Acting as a role, which is assumed again whenever its credentials are about to expire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from boto3 import Session


def acting(role: str, source: Session, endpoint: str | None) -> Session:
    """A session that acts as *role* (an ARN), assumed with the credentials of *source* at an *endpoint* of STS.

    Nothing is asked before credentials are needed.
    """
    import boto3
    from botocore.credentials import CredentialProvider, CredentialResolver, DeferredRefreshableCredentials
    from botocore.session import Session as Bare

    def assumed() -> dict[str, str]:
        client: Any = source.client("sts", endpoint_url=endpoint)
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

    bare = Bare()
    bare.register_component("credential_provider", CredentialResolver([Role()]))
    return boto3.Session(botocore_session=bare, region_name=source.region_name)
