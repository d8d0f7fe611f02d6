import { expect, test } from 'vitest';
import { publicError } from './record.ts';

test('an error in a record is one line and does not say where a user lives', () => {
  const message = "EACCES: permission denied, open '/home/ada/runs/x'\nat \u001b[31m/home/ada";
  expect(publicError(message, '/home/ada')).toBe(
    "EACCES: permission denied, open '~/runs/x' at \\u001b[31m~",
  );
  expect(publicError('in /tmp', '/')).toBe('in /tmp');
  expect(publicError('')).not.toBe('');
});
