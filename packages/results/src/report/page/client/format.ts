/** Numbers and names as people read them. */

export const count = (value: number): string => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');

/** Few digits, and none that say nothing. */
export function number(value: number): string {
  if (Number.isInteger(value)) return Math.abs(value) >= 10_000 ? count(value) : String(value);
  const size = Math.abs(value);
  if (size >= 1000) return count(value);
  if (size !== 0 && size < 0.001) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

export function seconds(value: number): string {
  if (value < 100) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`;
}

export const bytes = (value: number): string =>
  value >= 1e9
    ? `${(value / 1e9).toFixed(2)} GB`
    : value >= 1e6
      ? `${(value / 1e6).toFixed(1)} MB`
      : `${(value / 1e3).toFixed(0)} kB`;

/** Of a field of a record: by its name, which carries the unit. */
export function field(name: string, value: unknown): string {
  if (value === null || value === undefined) return '—';
  if (typeof value === 'number') {
    if (/Bytes$/.test(name)) return bytes(value);
    if (/Seconds$|^seconds$/.test(name)) return seconds(value);
    if (/Milliseconds$/.test(name)) return `${number(value)} ms`;
    return number(value);
  }
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return value;
  return JSON.stringify(value);
}

/** "maxGradNorm" as "max grad norm". */
export const words = (name: string): string =>
  name
    .replace(/^selection\./, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase();
