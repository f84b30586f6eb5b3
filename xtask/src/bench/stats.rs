//! Medians and means of durations.

use std::time::Duration;

/// Times of one operation on one TPM, in microseconds.
#[derive(Default)]
pub struct Sample(Vec<f64>);

impl Sample {
    pub fn add(&mut self, duration: Duration) {
        self.0.push(duration.as_secs_f64() * 1e6);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let upper = sorted.get(middle).copied().unwrap_or(f64::NAN);
        if sorted.len() % 2 == 1 {
            return upper;
        }
        let lower = middle.checked_sub(1).and_then(|at| sorted.get(at)).copied().unwrap_or(f64::NAN);
        f64::midpoint(lower, upper)
    }

    pub fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(microseconds: &[u64]) -> Sample {
        let mut sample = Sample::default();
        for time in microseconds {
            sample.add(Duration::from_micros(*time));
        }
        sample
    }

    #[test]
    fn the_median_does_not_mind_an_outlier_and_the_mean_does() {
        let sample = sample(&[10, 11, 12, 1000]);
        assert!((sample.median() - 11.5).abs() < 1e-6);
        assert!((sample.mean() - 258.25).abs() < 1e-6);
    }

    #[test]
    fn of_an_odd_number_the_middle_one() {
        assert!((sample(&[3, 1, 2]).median() - 2.0).abs() < 1e-6);
    }
}
