//! Randomness that spreads things over time. Nothing secret comes from here.

/// A number in 0..1.
pub fn unit() -> f64 {
    fastrand::f64()
}
