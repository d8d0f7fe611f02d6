/** Complex numbers: expressions are compared by their values, and those of real ones may pass through complex ones. */

export interface Complex {
  readonly re: number;
  readonly im: number;
}

export const real = (re: number): Complex => ({ re, im: 0 });
export const add = (a: Complex, b: Complex): Complex => ({ re: a.re + b.re, im: a.im + b.im });
export const negate = (a: Complex): Complex => ({ re: -a.re, im: -a.im });

export function multiply(a: Complex, b: Complex): Complex {
  // Infinity by a real number must not meet 0 times Infinity.
  if (a.im === 0 && b.im === 0) return real(a.re * b.re);
  return { re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re };
}

export function divide(a: Complex, b: Complex): Complex {
  if (b.im === 0) return { re: a.re / b.re, im: a.im === 0 ? 0 : a.im / b.re };
  const size = b.re * b.re + b.im * b.im;
  return { re: (a.re * b.re + a.im * b.im) / size, im: (a.im * b.re - a.re * b.im) / size };
}

export const magnitude = (a: Complex): number => Math.hypot(a.re, a.im);
export const exponential = (a: Complex): Complex =>
  a.im === 0
    ? real(Math.exp(a.re))
    : { re: Math.exp(a.re) * Math.cos(a.im), im: Math.exp(a.re) * Math.sin(a.im) };
export const logarithm = (a: Complex): Complex => ({
  re: Math.log(magnitude(a)),
  im: Math.atan2(a.im, a.re),
});

export function power(base: Complex, exponent: Complex): Complex {
  if (exponent.im === 0) {
    if (base.im === 0 && (base.re >= 0 || Number.isInteger(exponent.re))) return real(base.re ** exponent.re);
    // By repeated products, small whole powers are exact: i^2 is -1.
    if (Number.isInteger(exponent.re) && Math.abs(exponent.re) <= 32) {
      let result = real(1);
      for (let i = 0; i < Math.abs(exponent.re); i++) result = multiply(result, base);
      return exponent.re < 0 ? divide(real(1), result) : result;
    }
  }
  if (base.re === 0 && base.im === 0) return exponent.re > 0 ? real(0) : real(Number.NaN);
  return exponential(multiply(exponent, logarithm(base)));
}

export const squareRoot = (a: Complex): Complex => {
  if (a.im === 0) return a.re >= 0 ? real(Math.sqrt(a.re)) : { re: 0, im: Math.sqrt(-a.re) };
  return power(a, real(0.5));
};

export function sine(a: Complex): Complex {
  return a.im === 0
    ? real(Math.sin(a.re))
    : { re: Math.sin(a.re) * Math.cosh(a.im), im: Math.cos(a.re) * Math.sinh(a.im) };
}

export function cosine(a: Complex): Complex {
  return a.im === 0
    ? real(Math.cos(a.re))
    : { re: Math.cos(a.re) * Math.cosh(a.im), im: -Math.sin(a.re) * Math.sinh(a.im) };
}
