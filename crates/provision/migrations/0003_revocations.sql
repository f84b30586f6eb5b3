-- Revoked certificates. A row is never changed or removed.
CREATE TABLE revocations (
    serial TEXT PRIMARY KEY REFERENCES certificates (serial),
    issuer TEXT NOT NULL,              -- hexadecimal key identifier of the CA key that signed the certificate
    reason BIGINT NOT NULL,            -- CRLReason (RFC 5280, clause 5.3.1)
    revoked_at BIGINT NOT NULL,        -- seconds of the UNIX epoch
    not_after BIGINT NOT NULL          -- the certificate's; later lists leave it out
);

CREATE INDEX revocations_by_issuer ON revocations (issuer, not_after);

-- The newest list of each CA key.
CREATE TABLE crls (
    issuer TEXT PRIMARY KEY,
    number BIGINT NOT NULL,
    revocations BIGINT NOT NULL,       -- how many rows the issuer had in revocations
    this_update BIGINT NOT NULL,
    next_update BIGINT NOT NULL,
    crl TEXT NOT NULL                  -- PEM
);

-- Devices that get no certificate any more.
CREATE TABLE decommissions (
    ek_name TEXT PRIMARY KEY REFERENCES devices (ek_name),
    at BIGINT NOT NULL
);

CREATE INDEX certificates_by_time ON certificates (not_before);
