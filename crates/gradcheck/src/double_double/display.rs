//! 31 decimal digits, the last of which may be off by one.

use super::DoubleDouble;
use super::power::powi;
use std::fmt;

/// The digits that are shown: as many as every number has.
const DIGITS: usize = 31;

/// The leading decimal digits of a positive finite number, rounded, and the power of ten of the first.
fn decimal(x: DoubleDouble) -> ([u8; DIGITS], i32) {
    let ten = DoubleDouble::from(10.0);
    // In two steps, because 10^330 is not a number.
    let times_ten_to = |x: DoubleDouble, n: i32| x * powi(ten, n / 2) * powi(ten, n - n / 2);
    let mut power = tape::element::Real::log10(x.hi).floor() as i32;
    let mut rest = times_ten_to(x, -power);
    while rest.hi >= 10.0 {
        (rest, power) = (rest / ten, power + 1);
    }
    while rest.hi < 1.0 {
        (rest, power) = (rest * ten, power - 1);
    }
    let mut digits = [0; DIGITS];
    for digit in &mut digits {
        let whole = rest.floored().hi.clamp(0.0, 9.0);
        *digit = whole as u8;
        rest = (rest - DoubleDouble::from(whole)) * ten;
    }
    if rest.hi >= 5.0 {
        let nines = digits.iter().rev().take_while(|&&digit| digit == 9).count();
        digits[DIGITS - nines..].fill(0);
        match digits[..DIGITS - nines].last_mut() {
            Some(digit) => *digit += 1,
            None => (digits[0], power) = (1, power + 1),
        }
    }
    (digits, power)
}

impl fmt::Display for DoubleDouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.hi == 0.0 || !self.hi.is_finite() {
            return fmt::Display::fmt(&self.hi, f);
        }
        let (digits, power) = decimal(self.size());
        let zeros = digits.iter().rev().take_while(|&&digit| digit == 0).count();
        let text: String = digits[..DIGITS - zeros].iter().map(|&digit| char::from(b'0' + digit)).collect();
        let number = match power {
            -5..=-1 => format!("0.{}{text}", "0".repeat(-power as usize - 1)),
            0..=20 if text.len() > power as usize + 1 => {
                let (whole, fraction) = text.split_at(power as usize + 1);
                format!("{whole}.{fraction}")
            }
            0..=20 => format!("{text:0<width$}", width = power as usize + 1),
            _ if text.len() == 1 => format!("{text}e{power}"),
            _ => format!("{}.{}e{power}", &text[..1], &text[1..]),
        };
        f.pad_integral(self.hi > 0.0, "", &number)
    }
}

impl fmt::Debug for DoubleDouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
