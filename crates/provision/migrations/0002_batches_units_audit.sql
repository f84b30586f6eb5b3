-- A batch is how many units a factory may make. `used` counts the units that are in it now.
CREATE TABLE batches (
    name TEXT PRIMARY KEY,
    product TEXT NOT NULL,
    units BIGINT NOT NULL,             -- how many devices may get a first certificate
    used BIGINT NOT NULL,
    profiles TEXT NOT NULL,            -- certificate profiles that are allowed, behind each other with commas; none: all
    listed_only BIGINT NOT NULL,       -- 1: only endorsement keys on the batch's list
    expires_at BIGINT,                 -- no new unit from this second of the UNIX epoch on
    closed_at BIGINT,
    created_at BIGINT NOT NULL,
    CHECK (used >= 0 AND used <= units)
);

-- Endorsement keys that were announced for a batch.
CREATE TABLE batch_keys (
    batch TEXT NOT NULL REFERENCES batches (name),
    ek_name TEXT NOT NULL,             -- hexadecimal name of the endorsement key
    PRIMARY KEY (batch, ek_name)
);

-- A unit is a device that counts, once and in one batch, for ever.
CREATE TABLE units (
    ek_name TEXT PRIMARY KEY,
    batch TEXT NOT NULL REFERENCES batches (name),
    used_at BIGINT NOT NULL,
    scrapped_at BIGINT                 -- it counts no more, and gets no certificate any more
);

CREATE INDEX units_by_batch ON units (batch);

-- The end of the chain of events, signed with every transaction: one row.
CREATE TABLE audit_head (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    number BIGINT NOT NULL,
    hash TEXT NOT NULL,
    at BIGINT NOT NULL,
    signature TEXT NOT NULL            -- base64, by the service's audit key
);

-- Events of before: the next start signs them.
INSERT INTO audit_head (id, number, hash, at, signature)
    SELECT 1, number, hash, at, '' FROM events ORDER BY number DESC LIMIT 1;
