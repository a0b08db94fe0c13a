"""Certificates that a gateway signs with: read, and followed up to a root. Not a gateway."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    DNSName,
    ExtensionNotFound,
    KeyUsage,
    SubjectAlternativeName,
    load_der_x509_certificate,
    load_pem_x509_certificates,
)
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, Policy, PolicyBuilder, Store, VerificationError


def read_certificates(pem: str | bytes) -> list[Certificate]:
    """All certificates of the PEM text, in order; none where it can't be read."""
    try:
        return load_pem_x509_certificates(pem if isinstance(pem, bytes) else pem.encode("utf-8", "replace"))
    except ValueError:
        return []


@cache
def system_roots() -> tuple[Certificate, ...]:
    """What this machine trusts: as constant as its time zone tables."""
    roots = []
    with warnings.catch_warnings():  # some old roots are numbered against the rules of today
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        for der in ssl.create_default_context().get_ca_certs(binary_form=True):
            try:
                roots.append(load_der_x509_certificate(der))
            except ValueError:
                continue
    return tuple(roots)


def names_of(certificate: Certificate) -> list[str]:
    """The host names it is for: the alternative names, else the common name."""
    try:
        return certificate.extensions.get_extension_for_class(SubjectAlternativeName).value.get_values_for_type(DNSName)
    except ExtensionNotFound:
        return [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    except ValueError:
        return []


def rsa_key_of(certificate: Certificate) -> rsa.RSAPublicKey | None:
    try:
        key = certificate.public_key()
    except ValueError:
        return None
    return key if isinstance(key, rsa.RSAPublicKey) else None


def reaches_a_root(chain: Sequence[Certificate], roots: Iterable[Certificate], at: datetime) -> bool:
    """Whether the first certificate is issued, by way of the others in any order, by a root; all valid at that time."""
    trusted = list(roots)
    if not trusted:
        return False
    policies = PolicyBuilder().store(Store(trusted)).time(at)
    verifier = policies.extension_policies(ca_policy=_ISSUER, ee_policy=ExtensionPolicy.permit_all())
    try:
        verifier.build_client_verifier().verify(chain[0], list(chain[1:]))
    except (VerificationError, ValueError):
        return False
    return True


def _may_sign(policy: Policy, certificate: Certificate, usage: KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("not allowed to sign certificates")


# That an issuer is a CA, and how long a path it allows, is checked as soon as it says so: it must.
_ISSUER = (
    ExtensionPolicy.permit_all()
    .require_present(BasicConstraints, Criticality.AGNOSTIC, None)
    .may_be_present(KeyUsage, Criticality.AGNOSTIC, _may_sign)
)
