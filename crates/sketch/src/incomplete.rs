//! The incomplete gamma and beta functions, in logarithms: tails far below the smallest float keep
//! their size.

use libm::{exp, expm1, fabs, lgamma, log, log1p};

/// Relative size of a term that no longer changes a sum.
const PRECISION: f64 = 1e-16;
/// How near to 1 the last factor of a continued fraction must come; rounding keeps it from 1.
const FACTOR_ERROR_MAX: f64 = 1e-14;
/// Stands for zero where a continued fraction would divide by it.
const TINY: f64 = 1e-300;
/// Series and fractions need some multiple of the root of their arguments; this is enough for 1e9.
const STEPS_MAX: u32 = 1_000_000;

/// ln P(a, x), the regularised lower incomplete gamma function, for a > 0 and x >= 0.
pub(crate) fn ln_gamma_lower(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if x < a + 1.0 { ln_gamma_series(a, x) } else { ln_complement(ln_gamma_fraction(a, x)) }
}

/// ln Q(a, x), the regularised upper incomplete gamma function, for a > 0 and x >= 0.
pub(crate) fn ln_gamma_upper(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x < a + 1.0 { ln_complement(ln_gamma_series(a, x)) } else { ln_gamma_fraction(a, x) }
}

/// `ln I_x(a, b)`, the regularised incomplete beta function, for a, b > 0 and x + y = 1. Both are
/// asked for, since either may be too small to be had from the other.
pub(crate) fn ln_beta_lower(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if y <= 0.0 {
        return 0.0;
    }
    let ln_front = a * log(x) + b * log(y) - ln_beta(a, b);
    if x < (a + 1.0) / (a + b + 2.0) {
        ln_front - log(a) + log(beta_fraction(a, b, x))
    } else {
        ln_complement(ln_front - log(b) + log(beta_fraction(b, a, y)))
    }
}

/// ln B(a, b), the beta function, for a, b > 0.
pub(crate) fn ln_beta(a: f64, b: f64) -> f64 {
    lgamma(a) + lgamma(b) - lgamma(a + b)
}

/// ln(1 - e^l) for l <= 0, without cancellation at either end (Maechler 2012).
pub(crate) fn ln_complement(l: f64) -> f64 {
    if l >= 0.0 {
        f64::NEG_INFINITY
    } else if l > -core::f64::consts::LN_2 {
        log(-expm1(l))
    } else {
        log1p(-exp(l))
    }
}

/// DLMF 8.11.4: the series that converges below a + 1.
fn ln_gamma_series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    let mut step = a;
    for _ in 0..STEPS_MAX {
        step += 1.0;
        term *= x / step;
        sum += term;
        if term < sum * PRECISION {
            break;
        }
    }
    (a * log(x) - x - lgamma(a + 1.0) + log(sum)).min(0.0)
}

/// DLMF 8.9.2: the continued fraction that converges above a + 1.
fn ln_gamma_fraction(a: f64, x: f64) -> f64 {
    let mut denominator = x + 1.0 - a;
    let mut lentz = Lentz::new(denominator);
    for step in (1..STEPS_MAX).map(f64::from) {
        denominator += 2.0;
        lentz.step(step * (a - step), denominator);
        if lentz.has_settled() {
            break;
        }
    }
    (a * log(x) - x - lgamma(a) - log(lentz.value)).min(0.0)
}

/// DLMF 8.17.22: the continued fraction that converges for x < (a + 1) / (a + b + 2).
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let mut lentz = Lentz::new(1.0);
    lentz.step(-(a + b) * x / (a + 1.0), 1.0);
    for step in (1..STEPS_MAX).map(f64::from) {
        let at = a + 2.0 * step;
        lentz.step(step * (b - step) * x / ((at - 1.0) * at), 1.0);
        lentz.step(-(a + step) * (a + b + step) * x / (at * (at + 1.0)), 1.0);
        if lentz.has_settled() {
            break;
        }
    }
    1.0 / lentz.value
}

/// The continued fraction `b0 + a1 / (b1 + a2 / (b2 + ...))`, by the modified Lentz method
/// (Thompson and Barnett 1986).
struct Lentz {
    value: f64,
    numerator: f64,
    denominator: f64,
    factor: f64,
}

impl Lentz {
    fn new(first: f64) -> Self {
        let value = nonzero(first);
        Self { value, numerator: value, denominator: 0.0, factor: 0.0 }
    }

    fn step(&mut self, a: f64, b: f64) {
        self.denominator = 1.0 / nonzero(b + a * self.denominator);
        self.numerator = nonzero(b + a / self.numerator);
        self.factor = self.numerator * self.denominator;
        self.value *= self.factor;
    }

    fn has_settled(&self) -> bool {
        fabs(self.factor - 1.0) < FACTOR_ERROR_MAX
    }
}

fn nonzero(value: f64) -> f64 {
    if fabs(value) < TINY { TINY } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(left: f64, right: f64) {
        assert!(fabs(left - right) <= 1e-10 * fabs(right).max(1.0), "{left} is not {right}");
    }

    #[test]
    fn gamma_of_one_is_the_exponential() {
        for x in [1e-6, 0.3, 1.0, 4.0, 700.0, 5_000.0] {
            close(ln_gamma_upper(1.0, x), -x);
            close(ln_gamma_lower(1.0, x), ln_complement(-x));
        }
    }

    #[test]
    fn beta_has_its_closed_forms() {
        for x in [1e-9, 0.1, 0.5, 0.9] {
            let y = 1.0 - x;
            // I_x(a, 1) = x^a and I_x(1, b) = 1 - (1 - x)^b (DLMF 8.17.7 and its mirror).
            close(ln_beta_lower(7.5, 1.0, x, y), 7.5 * log(x));
            close(ln_beta_lower(1.0, 40.0, x, y), ln_complement(40.0 * log1p(-x)));
        }
    }

    #[test]
    fn either_side_of_beta_completes_the_other() {
        for (a, b, x) in [(0.2, 19.8, 0.3), (300.0, 4.0, 0.99), (1e6, 1e6, 0.5003)] {
            let sum = exp(ln_beta_lower(a, b, x, 1.0 - x)) + exp(ln_beta_lower(b, a, 1.0 - x, x));
            assert!(fabs(sum - 1.0) < 1e-9, "{sum}");
        }
    }

    #[test]
    fn extreme_arguments_end() {
        assert!(ln_gamma_upper(1e9, 1.000_1e9).is_finite());
        assert!(ln_gamma_lower(1e9, 0.999_9e9).is_finite());
        assert!(ln_beta_lower(1e9, 1e9, 0.499_9, 0.500_1).is_finite());
    }
}
