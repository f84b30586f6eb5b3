//! Welch's t-test on the times of two classes, as dudect does it (Reparaz, Balasch, Verbauwhede 2017): on all times, on
//! those below each of a hundred thresholds (whatever interrupts the machine makes times long, and hides differences), and
//! on the squared distances from the mean.

/// Thresholds that are tried.
const CROPS: usize = 100;
/// Samples that the thresholds are taken from; they are not part of the test.
pub const CALIBRATION: usize = 10_000;
/// A threshold with fewer samples than this below it says nothing.
const ENOUGH: f64 = 10_000.0;

/// Mean and variance of one class, as they come in (Welford).
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let distance = value - self.mean;
        self.mean += distance / self.count;
        self.squares += distance * (value - self.mean);
    }

    fn variance_of_mean(&self) -> f64 {
        self.squares / (self.count - 1.0) / self.count
    }
}

/// Both classes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Test([Moments; 2]);

impl Test {
    /// Takes in a time of one class.
    pub fn add(&mut self, second: bool, value: f64) {
        self.0[usize::from(second)].add(value);
    }

    /// Welch's t.
    #[must_use]
    pub fn t(&self) -> f64 {
        let [first, second] = &self.0;
        let deviation = (first.variance_of_mean() + second.variance_of_mean()).sqrt();
        let t = (first.mean - second.mean) / deviation;
        if t.is_finite() { t } else { 0.0 }
    }

    /// Difference of the means.
    #[must_use]
    pub fn difference(&self) -> f64 {
        self.0[0].mean - self.0[1].mean
    }

    fn is_enough(&self) -> bool {
        self.0.iter().map(|moments| moments.count).sum::<f64>() >= ENOUGH
    }
}

/// Every test on one pair of classes.
pub struct Tests {
    calibration: Vec<f64>,
    thresholds: Vec<f64>,
    all: Test,
    cropped: Vec<Test>,
    second_order: Test,
    count: u64,
}

/// What came out.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Samples in the tests.
    pub samples: u64,
    /// t of all times.
    pub plain: f64,
    /// The largest t by its amount, of all tests.
    pub largest: f64,
    /// Difference of the means in ticks, in the test of the largest t.
    pub ticks: f64,
    /// The mean time of the first class, in ticks, of all samples.
    pub mean: f64,
}

impl Tests {
    /// Nothing measured yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            calibration: Vec::with_capacity(CALIBRATION),
            thresholds: Vec::new(),
            all: Test::default(),
            cropped: vec![Test::default(); CROPS],
            second_order: Test::default(),
            count: 0,
        }
    }

    /// Takes in a time of one class.
    pub fn add(&mut self, second: bool, ticks: u64) {
        let value = ticks as f64;
        if self.thresholds.is_empty() {
            self.calibration.push(value);
            if self.calibration.len() == CALIBRATION {
                self.thresholds = thresholds(&mut self.calibration);
            }
            return;
        }
        self.count += 1;
        self.all.add(second, value);
        let mean = self.all.0[usize::from(second)].mean;
        // The mean is known well enough after a while only.
        if self.count > CALIBRATION as u64 {
            self.second_order.add(second, (value - mean) * (value - mean));
        }
        for (test, threshold) in self.cropped.iter_mut().zip(&self.thresholds) {
            if value < *threshold {
                test.add(second, value);
            }
        }
    }

    /// What has come out so far.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let tests = self.cropped.iter().filter(|test| test.is_enough()).chain([&self.all]);
        let (mut largest, mut ticks) = (0.0_f64, 0.0);
        for test in tests {
            if test.t().abs() > largest.abs() {
                (largest, ticks) = (test.t(), test.difference());
            }
        }
        if self.second_order.is_enough() && self.second_order.t().abs() > largest.abs() {
            (largest, ticks) = (self.second_order.t(), self.all.difference());
        }
        Outcome { samples: self.count, plain: self.all.t(), largest, ticks, mean: self.all.0[0].mean }
    }
}

impl Default for Tests {
    fn default() -> Self {
        Self::new()
    }
}

/// dudect's thresholds: close together at the slow end, where most of the noise is.
fn thresholds(times: &mut [f64]) -> Vec<f64> {
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times.get((part * times.len() as f64) as usize).copied().unwrap_or(f64::MAX);
    (1..=CROPS).map(|crop| at(1.0 - 0.5_f64.powf(10.0 * crop as f64 / CROPS as f64))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Welch's test in many books: t of two small samples.
    #[test]
    fn t_of_a_known_example() {
        let mut test = Test::default();
        for value in [27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4] {
            test.add(false, value);
        }
        for value in [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5, 22.9] {
            test.add(true, value);
        }
        // By Python's statistics module.
        assert!((test.t() + 2.753_2).abs() < 0.000_1, "{}", test.t());
    }

    fn noise(state: &mut u64) -> u64 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Sometimes something interrupts.
        if *state >> 60 == 0 { 50_000 + (*state >> 40) % 100_000 } else { 1000 + (*state >> 40) % 200 }
    }

    #[test]
    fn equal_classes_pass_and_a_small_difference_shows_through_noise() {
        let mut state = 1;
        for (extra, leaks) in [(0, false), (3, true)] {
            let mut tests = Tests::new();
            for round in 0..210_000 {
                let second = (round * 7919 + round / 3) % 2 == 1;
                tests.add(second, noise(&mut state) + if second { extra } else { 0 });
            }
            let outcome = tests.outcome();
            assert_eq!(outcome.samples, 200_000);
            assert_eq!(outcome.largest.abs() > 4.5, leaks, "{outcome:?}");
        }
    }
}
