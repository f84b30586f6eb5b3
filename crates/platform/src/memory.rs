//! Platforms for tests.
