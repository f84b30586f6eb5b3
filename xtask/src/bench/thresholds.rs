//! What `cargo xtask bench --check` demands: how many times faster than the peer, measured in the same run.

/// By what the two are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The usual way: medians do not mind a neighbour's noise.
    Median,
    /// For searches of random length, where the median hides the tail.
    Mean,
}

/// Operation (as in the table), measure, least ratio peer / ours.
pub const THRESHOLDS: &[(&str, By, f64)] = &[
    ("Sign ECDSA P-256", By::Median, 8.0),
    ("Sign RSASSA-2048", By::Median, 4.0),
    ("Create RSA-2048", By::Mean, 5.0),
    ("GetRandom(32)", By::Median, 1.0),
];
