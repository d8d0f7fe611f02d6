/** Formulas as Tables 8 and 9 print them: + - * / ^, parentheses, names, numbers and log, which is to base 2. */

/** A formula that cannot be computed. The message quotes it. */
export class FormulaError extends Error {
  override name = 'FormulaError';
}

/**
 * @param variables what the names stand for
 * @throws FormulaError for a name without a value, or what is no formula
 */
export function evaluate(formula: string, variables: Readonly<Record<string, number>>): number {
  const tokens = formula.match(/[A-Za-z_]\w*|\d+(?:\.\d+)?|\S/g) ?? [];
  let at = 0;
  const fail = (what: string): never => {
    throw new FormulaError(`formula "${formula}": ${what}`);
  };
  const take = (token: string): boolean => {
    if (tokens[at] !== token) return false;
    at++;
    return true;
  };
  const sum = (): number => {
    let value = product();
    for (;;) {
      if (take('+')) value += product();
      else if (take('-')) value -= product();
      else return value;
    }
  };
  const product = (): number => {
    let value = power();
    for (;;) {
      if (take('*')) value *= power();
      else if (take('/')) value /= power();
      else return value;
    }
  };
  const power = (): number => {
    const base = atom();
    return take('^') ? base ** power() : base;
  };
  const atom = (): number => {
    if (take('(')) {
      const value = sum();
      if (!take(')')) fail(`expected ")", got ${tokens[at] ?? 'its end'}`);
      return value;
    }
    const token = tokens[at++] ?? fail('ends too early');
    if (/^\d/.test(token)) return Number(token);
    if (!/^[A-Za-z_]/.test(token)) return fail(`unexpected "${token}"`);
    if (token === 'log') return tokens[at] === '(' ? Math.log2(atom()) : fail('log needs parentheses');
    if (Object.hasOwn(variables, token)) return variables[token]!;
    return fail(`"${token}" has no value; known: ${Object.keys(variables).join(', ')}`);
  };
  const value = sum();
  if (at < tokens.length) fail(`unexpected "${tokens[at]}"`);
  return value;
}
