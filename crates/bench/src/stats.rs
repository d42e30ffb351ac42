//! The arithmetic: medians, spread, ratios pair by pair, geometric means, the noise floor.

/// The middle of the samples; the mean of the two in the middle when their number is even.
pub fn median(samples: &[f64]) -> f64 {
    quantile(samples, 0.5)
}

/// The value below which the share `q` of the samples lies, interpolated linearly.
pub fn quantile(samples: &[f64], q: f64) -> f64 {
    assert!(!samples.is_empty(), "no samples");
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let position = q * (sorted.len() - 1) as f64;
    let (low, high) = (position.floor() as usize, position.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * (position - low as f64)
}

/// Half the distance between the quartiles, as a share of the median.
pub fn spread(samples: &[f64]) -> f64 {
    let middle = median(samples);
    if middle == 0.0 {
        return 0.0;
    }
    (quantile(samples, 0.75) - quantile(samples, 0.25)) / 2.0 / middle
}

/// The median of `own[i] / other[i]`: each pair was measured in the same round, so that a machine that
/// is slower for a while slows both sides of a pair.
///
/// `None` where no pair has a ratio (memory that is zero on both sides, say).
pub fn pairwise(own: &[f64], other: &[f64]) -> Option<f64> {
    let ratios: Vec<f64> = own
        .iter()
        .zip(other)
        .filter(|&(&own, &other)| own > 0.0 && other > 0.0)
        .map(|(own, other)| own / other)
        .collect();
    if ratios.is_empty() {
        None
    } else {
        Some(median(&ratios))
    }
}

/// The geometric mean: the only mean for which "twice as fast" and "half as fast" cancel out.
pub fn geometric_mean(ratios: &[f64]) -> Option<f64> {
    if ratios.is_empty() {
        return None;
    }
    let logs: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
    Some((logs / ratios.len() as f64).exp())
}

/// How far two measurements of the same code lie apart: of the ratios "tokio again / tokio", the factor
/// within which half of the scenarios lie, and nine tenths of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoiseFloor {
    pub half: f64,
    pub nine_tenths: f64,
}

impl NoiseFloor {
    pub fn of(ratios: &[f64]) -> Option<Self> {
        if ratios.is_empty() {
            return None;
        }
        let factors: Vec<f64> = ratios.iter().map(|&ratio| ratio.max(1.0 / ratio)).collect();
        Some(Self {
            half: median(&factors),
            nine_tenths: quantile(&factors, 0.9),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(left: f64, right: f64) {
        assert!((left - right).abs() < 1e-9, "{left} is not {right}");
    }

    #[test]
    fn the_median_ignores_order_and_outliers() {
        assert_close(median(&[3.0, 1.0, 1000.0]), 3.0);
        assert_close(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_close(median(&[7.0]), 7.0);
    }

    #[test]
    fn quantiles_interpolate() {
        let samples = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert_close(quantile(&samples, 0.0), 1.0);
        assert_close(quantile(&samples, 0.25), 2.0);
        assert_close(quantile(&samples, 0.9), 4.6);
        assert_close(quantile(&samples, 1.0), 5.0);
    }

    #[test]
    fn the_spread_is_half_the_quartile_distance() {
        assert_close(spread(&[8.0, 9.0, 10.0, 11.0, 12.0]), 0.1);
        assert_close(spread(&[5.0, 5.0, 5.0]), 0.0);
        assert_close(spread(&[0.0, 0.0]), 0.0);
    }

    #[test]
    fn ratios_are_taken_in_the_same_round() {
        // The machine is ten times slower in the second round; each pair still says 2.
        assert_close(pairwise(&[2.0, 20.0, 4.0], &[1.0, 10.0, 2.0]).unwrap(), 2.0);
        // The ratio of the medians would say 1.
        assert_close(pairwise(&[1.0, 2.0, 3.0], &[3.0, 1.0, 2.0]).unwrap(), 1.5);
    }

    #[test]
    fn pairs_without_a_ratio_are_left_out() {
        assert_eq!(pairwise(&[0.0, 0.0], &[0.0, 1.0]), None);
        assert_close(pairwise(&[0.0, 6.0], &[0.0, 3.0]).unwrap(), 2.0);
    }

    #[test]
    fn twice_and_half_cancel_out() {
        assert_close(geometric_mean(&[2.0, 0.5]).unwrap(), 1.0);
        assert_close(geometric_mean(&[1.0, 4.0]).unwrap(), 2.0);
        assert_eq!(geometric_mean(&[]), None);
    }

    #[test]
    fn noise_counts_in_both_directions() {
        let floor = NoiseFloor::of(&[1.25, 0.8, 1.0]).unwrap();
        assert_close(floor.half, 1.25);
        assert_close(floor.nine_tenths, 1.25);
        assert_eq!(NoiseFloor::of(&[]), None);
    }
}
