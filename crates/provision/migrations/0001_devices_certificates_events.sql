-- Written for SQLite and PostgreSQL alike: text, 64-bit integers, no types of one of them.

-- A device is its endorsement key.
CREATE TABLE devices (
    ek_name TEXT PRIMARY KEY,          -- hexadecimal name of the endorsement key
    subject TEXT NOT NULL UNIQUE,      -- the subject that it enrolled with (RFC 4514); no other device gets it
    ek_certificate TEXT NOT NULL,      -- PEM
    manufacturer TEXT,                 -- tcg-at-tpmManufacturer
    model TEXT,
    version TEXT,
    first_seen BIGINT NOT NULL,        -- seconds of the UNIX epoch
    last_seen BIGINT NOT NULL
);

CREATE TABLE certificates (
    serial TEXT PRIMARY KEY,           -- hexadecimal
    enrolment TEXT NOT NULL,           -- digest of who asked for what: a retry finds its certificate by it
    generation BIGINT NOT NULL,        -- counts renewals of the same enrolment
    ek_name TEXT NOT NULL REFERENCES devices (ek_name),
    ik_name TEXT NOT NULL,             -- hexadecimal name of the certified key
    profile TEXT NOT NULL,
    subject TEXT NOT NULL,
    not_before BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    certificate TEXT NOT NULL,         -- PEM
    UNIQUE (enrolment, generation)
);

CREATE INDEX certificates_by_device ON certificates (ek_name);

-- What happened, each row chained to the one before it by the hash.
CREATE TABLE events (
    number BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    device TEXT,                       -- hexadecimal name of the endorsement key, if one is known
    detail TEXT NOT NULL,
    hash TEXT NOT NULL                 -- SHA-256 over the previous hash and this row
);
