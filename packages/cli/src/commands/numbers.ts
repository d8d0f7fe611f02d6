/** Parsers of options. */
import { InvalidArgumentError } from 'commander';

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

export function wholeNumber(text: string): number {
  const value = number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError('It must be a whole number of at least 0.');
  return value;
}

export function positiveNumber(text: string): number {
  const value = number(text);
  if (value <= 0) throw new InvalidArgumentError('It must be above 0.');
  return value;
}

export function seedList(text: string): number[] {
  return text.split(',').map(wholeNumber);
}

/** At least one, none twice. */
export function rateList(text: string): number[] {
  const rates = text.split(',').map(positiveNumber);
  if (new Set(rates).size < rates.length) throw new InvalidArgumentError('A rate stands twice.');
  return rates;
}

export function nameList(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.some((name) => name === '')) throw new InvalidArgumentError('Names must not be empty.');
  return names;
}
