//! Object identifiers that evidence uses, by the names of their registrars.

use der::oid::ObjectIdentifier;

macro_rules! oids {
    ($($(#[$doc:meta])* $name:ident = $dotted:literal;)*) => {$(
        $(#[$doc])*
        pub const $name: ObjectIdentifier = ObjectIdentifier::new_unwrap($dotted);
    )*};
}

oids! {
    /// `rsaEncryption` (RFC 8017).
    RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
    /// `id-RSAES-OAEP` (RFC 8017): some EK certificates name their key so.
    RSAES_OAEP = "1.2.840.113549.1.1.7";
    /// `id-RSASSA-PSS` (RFC 8017).
    RSASSA_PSS = "1.2.840.113549.1.1.10";
    /// `id-mgf1` (RFC 8017).
    MGF1 = "1.2.840.113549.1.1.8";
    /// `sha256WithRSAEncryption`.
    SHA256_WITH_RSA = "1.2.840.113549.1.1.11";
    /// `sha384WithRSAEncryption`.
    SHA384_WITH_RSA = "1.2.840.113549.1.1.12";
    /// `sha512WithRSAEncryption`.
    SHA512_WITH_RSA = "1.2.840.113549.1.1.13";
    /// `ecdsa-with-SHA256` (RFC 5758).
    ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
    /// `ecdsa-with-SHA384` (RFC 5758).
    ECDSA_WITH_SHA384 = "1.2.840.10045.4.3.3";
    /// `ecdsa-with-SHA512` (RFC 5758).
    ECDSA_WITH_SHA512 = "1.2.840.10045.4.3.4";
    /// `id-ecPublicKey` (RFC 5480).
    EC_PUBLIC_KEY = "1.2.840.10045.2.1";
    /// `secp256r1`.
    P256 = "1.2.840.10045.3.1.7";
    /// `secp384r1`.
    P384 = "1.3.132.0.34";
    /// `secp521r1`.
    P521 = "1.3.132.0.35";
    /// `id-sha256`.
    SHA256 = "2.16.840.1.101.3.4.2.1";
    /// `id-sha384`.
    SHA384 = "2.16.840.1.101.3.4.2.2";
    /// `id-sha512`.
    SHA512 = "2.16.840.1.101.3.4.2.3";
    /// `tcg-kp-EKCertificate` (TCG EK Credential Profile).
    TCG_KP_EK_CERTIFICATE = "2.23.133.8.1";
    /// `anyExtendedKeyUsage` (RFC 5280).
    ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0";
    /// `tcg-at-tpmManufacturer`.
    TCG_AT_TPM_MANUFACTURER = "2.23.133.2.1";
    /// `tcg-at-tpmModel`.
    TCG_AT_TPM_MODEL = "2.23.133.2.2";
    /// `tcg-at-tpmVersion`.
    TCG_AT_TPM_VERSION = "2.23.133.2.3";
    /// `tcg-at-tpmSpecification`.
    TCG_AT_TPM_SPECIFICATION = "2.23.133.2.16";
    /// `id-ce-subjectAltName`.
    SUBJECT_ALT_NAME = "2.5.29.17";
    /// `id-ce-keyUsage`.
    KEY_USAGE = "2.5.29.15";
    /// `id-ce-basicConstraints`.
    BASIC_CONSTRAINTS = "2.5.29.19";
    /// `id-ce-extKeyUsage`.
    EXTENDED_KEY_USAGE = "2.5.29.37";
    /// `id-ce-certificatePolicies`.
    CERTIFICATE_POLICIES = "2.5.29.32";
    /// `id-ce-subjectDirectoryAttributes`.
    SUBJECT_DIRECTORY_ATTRIBUTES = "2.5.29.9";
    /// `id-ce-authorityKeyIdentifier`.
    AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";
    /// `id-ce-subjectKeyIdentifier`.
    SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
    /// `id-ce-cRLDistributionPoints`.
    CRL_DISTRIBUTION_POINTS = "2.5.29.31";
    /// `id-at-commonName`.
    COMMON_NAME = "2.5.4.3";
}
