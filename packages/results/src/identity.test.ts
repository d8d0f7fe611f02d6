import { describe, expect, it } from 'vitest';
import { evaluationRecord, sampleRecord } from '../test/records.ts';
import { canonicalJson, configHash, identityOf, recordPath, runName, safePart, sha256 } from './identity.ts';

const identity = identityOf(sampleRecord());

describe('canonicalJson', () => {
  it('sorts keys at every depth, keeps lists, drops undefined', () => {
    expect(canonicalJson({ b: [3, { z: null, y: 'é"' }], a: true, c: undefined })).toBe(
      '{"a":true,"b":[3,{"y":"é\\"","z":null}]}',
    );
    expect(canonicalJson({ x: 1e-7, y: -0, z: 0.1 })).toBe('{"x":1e-7,"y":0,"z":0.1}');
  });

  it.each([[NaN], [Infinity], [() => 1], [1n], [new Date(0)], [new Map()]])('refuses %s', (value) => {
    expect(() => canonicalJson({ a: [value] })).toThrow('value.a[0]: ');
  });

  it('hashes as SHA-256 of the text', () => {
    // printf '{"a":1}' | sha256sum
    expect(sha256({ a: 1 })).toBe('015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862');
  });
});

describe('configHash', () => {
  it('stays the same: recorded hashes must keep their meaning', () => {
    expect(configHash(identity)).toBe('d16076f31fa6053b6d831769a51aa82304a368d5164195bdfe4c0a6ebdefcfb4');
  });

  it('of an evaluation depends on what it evaluates and how', () => {
    const { evaluates, evaluationConfig } = evaluationRecord().runInfo;
    const other = { ...evaluationConfig, scorer: 'strict' };
    const hashes = [
      identity,
      { ...identity, evaluates: evaluates! },
      { ...identity, evaluates: evaluates!, evaluationConfig: evaluationConfig! },
      { ...identity, evaluates: evaluates!, evaluationConfig: other },
      { ...identity, evaluationConfig: evaluationConfig! },
    ].map(configHash);
    expect(new Set(hashes).size).toBe(5);
    expect(identityOf(evaluationRecord())).toMatchObject({ evaluates, evaluationConfig });
  });

  it('does not depend on the order of keys or splits', () => {
    const reversed = Object.fromEntries(Object.entries(identity).reverse()) as unknown as typeof identity;
    expect(configHash({ ...reversed, splits: [...identity.splits].reverse() })).toBe(configHash(identity));
  });

  it('does not depend on commit, environment, time or outcome', () => {
    const record = sampleRecord();
    const { codeInfo: _, ...metaInfo } = record.metaInfo;
    const other = {
      ...record,
      runInfo: {
        ...record.runInfo,
        createdAt: '2030-01-01T00:00:00.000Z',
        totalSeconds: 1,
        status: 'cancelled' as const,
      },
      metaInfo: { ...metaInfo, packageInfo: {}, systemInfo: { ...metaInfo.systemInfo, cores: 64 } },
    };
    expect(configHash(identityOf(other))).toBe(configHash(identity));
  });

  it('changes with everything that decides a result', () => {
    const changes: Partial<typeof identity>[] = [
      { experiment: 'vision' },
      { task: 'rte' },
      { profile: 'paper' },
      { method: 'lora' },
      { variant: 'strict' },
      { seed: 2 },
      { seeds: { ...identity.seeds, dropout: 99 } },
      { protocol: 2 },
      { protocolVariant: 'as-released' },
      { trainConfig: { ...identity.trainConfig, learningRate: 4.0000001e-3 } },
      { adapterConfig: { ...identity.adapterConfig, r: 33 } },
      { adapterConfig: { ...identity.adapterConfig, extra: null } },
      { modelFingerprint: 'f'.repeat(64) },
      { splits: [{ ...identity.splits[0]!, fingerprint: 'f'.repeat(64) }, ...identity.splits.slice(1)] },
      { splits: identity.splits.slice(1) },
    ];
    const hashes = changes.map((change) => configHash({ ...identity, ...change }));
    expect(new Set([configHash(identity), ...hashes]).size).toBe(changes.length + 1);
  });

  it('refuses two splits of one name', () => {
    expect(() => configHash({ ...identity, splits: [identity.splits[0]!, identity.splits[0]!] })).toThrow(
      'two splits bear one name',
    );
  });
});

describe('recordPath', () => {
  it('is profile, experiment, task, then method, variant, seed and hash', () => {
    const hash = configHash(identity).slice(0, 8);
    expect(recordPath(identity)).toBe(`tiny/nlu/cola/psoft-s1-${hash}.json`);
    const variant = { ...identity, variant: 'strict', seed: 42 };
    expect(runName(variant)).toBe(`psoft-strict-s42-${configHash(variant).slice(0, 8)}`);
  });

  it.each([
    '',
    '.',
    '..',
    '../up',
    'a/b',
    'a\\b',
    '-x',
    'x-',
    'a..b',
    'Upper',
    'ü',
    'a b',
    'nul',
    'com1.x',
    'a'.repeat(65),
  ])('refuses the name "%s"', (name) => {
    expect(() => safePart(name, 'task')).toThrow('cannot be part of a file name');
    expect(() => recordPath({ ...identity, task: name })).toThrow('task ');
  });

  it('takes the names in use', () => {
    for (const name of ['cola', 'sst-2', 'deberta-v3', 'lora_xs', 'psoft.r46', 'console'])
      expect(safePart(name, 'task')).toBe(name);
  });
});
