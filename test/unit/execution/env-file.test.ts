/** The format of systemd's EnvironmentFile=: what systemd.exec(5) says of it, and the cases of its own test-env-file.c. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseEnvFile, readEnvFile } from '../../../src/execution/env-file.ts';
import { runs } from '../../helpers/runs.ts';
import { folder } from './harness.ts';

function parsed(text: string | Buffer): (readonly [string, string])[] {
  const file = parseEnvFile(Buffer.from(text));
  assert.ok(typeof file === 'object', `${file}`);
  return [...file.assignments];
}

const CASES: readonly (readonly [name: string, text: string, expected: Record<string, string>])[] = [
  ['plain lines', 'A=1\nB=two words\n', { A: '1', B: 'two words' }],
  ['an empty file', '', {}],
  ['no end of the last line', 'A=1', { A: '1' }],
  ['no value', 'A=\nB=', { A: '', B: '' }],
  ['comments and lines without =', '# A=1\n; B=2\n\nnothing\n  #C=3\nD=4\n', { D: '4' }],
  ['a comment that ends with a backslash, as of version 254', '# a \\\nA=1\n', { A: '1' }],
  ['# within a value', 'A=1 # one\nB=#\n', { A: '1 # one', B: '#' }],
  ['blanks around name and value', '  A\t =\t 1 2 \t\n', { A: '1 2' }],
  ['ends of lines of Windows', 'A=1\r\nB="2"\r\n', { A: '1', B: '2' }],
  ['= within a value', 'A=b=c==\n', { A: 'b=c==' }],
  ['the later of two', 'A=1\nB=2\nA=3\n', { A: '3', B: '2' }],
  ['continued lines', 'b=b\\\nc\nd=d\\\ne\\\nf\n', { b: 'bc', d: 'def' }],
  ['a blank that a backslash keeps', 'g=g\\ \nh=h', { g: 'g ', h: 'h' }],
  ['a backslash at the end of the file', 'i=i\\', { i: 'i' }],
  ['a continued last line', 'a=a\\\n', { a: 'a' }],
  ['a backslash before anything else', 'A=a\\b\\\\c\\"\\n\n', { A: 'ab\\c"n' }],
  ['quotes after the first letter', `A=x"y"'z'\n`, { A: `x"y"'z'` }],
  ['single quotes: nothing has a meaning', `A='a\\ "$x" #'\n`, { A: 'a\\ "$x" #' }],
  ['single quotes over lines', `A=' a\nb '\nB=1\n`, { A: ' a\nb ', B: '1' }],
  ['double quotes: what a backslash takes', 'A="\\"\\\\\\`\\$\\n\\\'"\n', { A: '"\\`$\\n\\\'' }],
  ['double quotes over lines', 'A=" a\nb\\\nc "\n', { A: ' a\nbc ' }],
  ['text beside quotes', `A="a" 'b'  c d \n`, { A: 'abc d' }],
  ['a quote that does not end', 'A="a\nB=1\n', { A: 'a\nB=1\n' }],
  ['blanks after a quote', 'A="a "  \nB=1', { A: 'a ', B: '1' }],
  ['letters of any script', 'A=ü☂𝄞\n', { A: 'ü☂𝄞' }],
  ['control characters but NUL', 'A=a\u0001b\n', { A: 'a\u0001b' }],
  ['a line that begins with = (as systemd 257 reads it)', "A\n='\\\nD=1\n", { D: '1' }],
  ['a comment of systemd-test 4', '# Generated\n\nM="coretemp f7"\n\n# x\nM_0=c\n', { M: 'coretemp f7', M_0: 'c' }],
];

for (const [name, text, expected] of CASES) {
  test(`${name}`, () => assert.deepEqual(Object.fromEntries(parsed(text)), expected));
}

test('what bears no name is passed over, with its line and without what it holds', () => {
  const file = parseEnvFile(Buffer.from('A=1\nexport B=secret\nC="x\ny"\n=1\n1D=2\nE-F=3\n\ufeffG=4\nH=5\n'));
  assert.ok(typeof file === 'object');
  assert.deepEqual(Object.fromEntries(file.assignments), { A: '1', C: 'x\ny', H: '5' });
  assert.deepEqual(
    file.warnings.map((warning) => /^line (\d+) is passed over/.exec(warning)?.[1]),
    // A line in which no = follows its first letter is no assignment to systemd, which says nothing of it.
    ['2', '6', '7', '8'],
  );
  assert.ok(!file.warnings.join().includes('secret'));
});

test('bytes that are no UTF-8 spoil the file, unless they are in a comment', () => {
  const latin1 = (text: string) => Buffer.from(text, 'latin1');
  assert.equal(parseEnvFile(latin1('A=1\nB=\xfc\n')), 'holds bytes that are no valid UTF-8, in line 2');
  assert.equal(parseEnvFile(latin1('\xfc=1\n')), 'holds bytes that are no valid UTF-8, in line 1');
  assert.equal(parseEnvFile(Buffer.from('A=\ufffe\n')), 'holds bytes that are no valid UTF-8, in line 1');
  assert.deepEqual(parsed(latin1('# \xfc\nA=1\n')), [['A', '1']]);
  assert.equal(parseEnvFile(Buffer.from('A=1\0\n')), 'holds a NUL byte');
});

test('a value in quotes of a POSIX shell is what the shell makes of it', () => {
  // The shell itself is the oracle: both formats read such quotes the same.
  const value = fc
    .array(fc.constantFrom(...'ab \t\n"\'\\$`=#;ü'), { maxLength: 12 })
    .map((letters) => letters.join(''));
  const single = value.map((text) => `'${text.replaceAll("'", '')}'`);
  // A backslash for each letter that would end or begin something, and for some that would not.
  const letter = fc.constantFrom(..."ab \t'=#;ü", '\\\\', '\\$', '\\`', '\\"', '\\a', '\\\n');
  const double = fc.array(letter, { maxLength: 12 }).map((letters) => `"${letters.join('')}"`);
  fc.assert(
    fc.property(fc.oneof(single, double), (quoted) => {
      const script = `A=${quoted}\nprintf '%s.' "$A"`;
      let expected: string;
      try {
        expected = execFileSync('/bin/sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] }).toString();
      } catch {
        // Not quoted as a shell wants it.
        return;
      }
      assert.equal(`${Object.fromEntries(parsed(`A=${quoted}\n`)).A}.`, expected);
    }),
    runs(60),
  );
});

test('any bytes are read, or refused, without an error', () => {
  const piece = fc.constantFrom('A=', 'B', ' ', '\n', '\r', '"', "'", '\\', '#', '=', '\xff', '\u0000', 'ü');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const file = parseEnvFile(Buffer.from(pieces.join(''), 'latin1'));
      if (typeof file === 'string') return;
      for (const [name, value] of file.assignments) {
        assert.match(name, /^[A-Za-z_]\w*$/);
        assert.ok(!value.includes('\0'));
      }
    }),
    runs(500),
  );
});

test('a megabyte of a value, of lines and of blanks is read in no time', () => {
  const most = 1_000_000;
  assert.equal(parsed(`A="${'x'.repeat(most)}"\n`)[0]?.[1].length, most);
  assert.equal(parsed(`A=${' '.repeat(most)}x${' '.repeat(most)}\n`)[0]?.[1], 'x');
  assert.deepEqual(parsed('x\n'.repeat(most / 2)), []);
  assert.equal(parsed('A=1\n'.repeat(most / 4)).length, most / 4);
});

test('files that cannot be read are told from those that are not there', () => {
  const put = (name: string, content: string | Buffer) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const good = put('good.env', 'A=1\n');
  symlinkSync(good, join(folder, 'link.env'));
  mkdirSync(join(folder, 'folder.env'));
  execFileSync('mkfifo', [join(folder, 'pipe.env')]);
  const read = (name: string) => {
    const found = readEnvFile(join(folder, name));
    return found.ok ? Object.fromEntries(found.file.assignments) : [found.missing, found.why];
  };
  assert.deepEqual(read('good.env'), { A: '1' });
  assert.deepEqual(read('link.env'), { A: '1' });
  assert.deepEqual(read('none.env'), [true, 'does not exist']);
  assert.deepEqual(read('good.env/x'), [true, 'does not exist']);
  assert.deepEqual(read('folder.env'), [false, 'is a folder']);
  assert.deepEqual(read('pipe.env'), [false, 'is not a regular file']);
  put('large.env', Buffer.alloc(1024 * 1024 + 1, '\n'));
  assert.deepEqual(read('large.env'), [false, 'is larger than 1024 KiB']);
  put('most.env', Buffer.alloc(1024 * 1024, '\n'));
  assert.deepEqual(read('most.env'), {});
  const environ = readEnvFile('/proc/self/status');
  assert.ok(environ.ok, 'a file of /proc says that it is empty');
});
