/** Templates (SPEC 4): what is one, what it sees, how it fails. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { compileTemplate } from '../../../src/conf/template.ts';
import type { ResultScope, Scope } from '../../../src/types.ts';
import { HOST } from '../../fixtures/conf/folder.ts';
import { runs } from '../../helpers/runs.ts';

const SCOPE: Scope = {
  env: { HOME: '/root', EMPTY: '' },
  taskName: 'disk',
  zone: 'Europe/Berlin',
  now: Date.UTC(2026, 6, 2, 3, 4, 5, 678),
  due: Date.UTC(2026, 6, 2, 3, 4),
  attempt: 2,
  runId: 'r-1',
  host: HOST,
};
const RESULT: ResultScope = {
  ...SCOPE,
  endedAt: Date.UTC(2026, 6, 2, 3, 5),
  label: 'eth0',
  ext: '.json',
  defaultPath: '/data/result/result-1.json',
};

const render = (source: string, scope: Scope | ResultScope = SCOPE): string => compileTemplate(source).render(scope);
const failure = (work: () => unknown): string => {
  try {
    return `no failure but ${JSON.stringify(work())}`;
  } catch (thrown) {
    assert.ok(thrown instanceof Error);
    return thrown.message;
  }
};

describe('what is text', () => {
  const same = [
    '',
    "printf '<%s>' x",
    'a <%',
    '<%',
    '%> -%> _%> %%>',
    `docker inspect -f '{{.Id}}' x`,
    "docker ps --format '{{json .}}' {{range .Items}}{{end}}",
    "curl -w '%{http_code}\\n' x",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's
    'awk \'{printf "{%s}", $1}\' ${x%if} ${a%%>*}',
    'echo "$HOME" `date` \\n \u2028 \'',
    '{{ backup }} {{ nowhere }} {{ environment.x }}',
  ];
  for (const text of same) {
    test(JSON.stringify(text), () => {
      assert.equal(render(text), text);
      // The same beside a tag, where ejs reads it.
      assert.equal(render(`<%= 1 %>|${text}|<%= 2 %>`), `1|${text}|2`);
    });
  }

  test('<%% is a literal <%', () => {
    assert.equal(render('a <%% b %> <%%= 1 %>'), 'a <% b %> <%= 1 %>');
    assert.equal(render('<%= 1 %><%%= 2 %>'), '1<%= 2 %>');
    assert.equal(render('<%%>'), '<%>');
  });

  test('any text without an opening tag stays what it is', () => {
    const text = fc.string({
      unit: fc.constantFrom('<', '%', '>', '-', '_', '=', '#', ' ', '\n', '"', '\\', 'a', '{', '}', '`', '$'),
    });
    fc.assert(
      fc.property(text, (source) => {
        fc.pre(!/<%[%=\-_#\s]/.test(source));
        assert.equal(render(source), source);
        fc.pre(!source.endsWith('<') && !source.startsWith('%'));
        assert.equal(render(`${source}|<%= 1 %>`), `${source}|1`);
      }),
      runs(500),
    );
  });
});

describe('what is a template', () => {
  test('output is inserted as it is, not escaped for HTML', () => {
    assert.equal(render(`<%= '<&"\\'>' %>`), `<&"'>`);
    assert.equal(render(`<%- '<&>'; %>`), '<&>');
  });

  test('control flow, comments and the trimming of ejs', () => {
    assert.equal(render('<% for (let i = 0; i < 3; i++) { %>[<%= i %>]<% } %>'), '[0][1][2]');
    assert.equal(render('a<%# no %>b<%\n%>c'), 'abc');
    assert.equal(render('<% if (true) { -%>\nx\n<% } -%>\ny'), 'x\ny');
    assert.equal(render('  <%_ if (true) { _%>  x  <%_ } _%>  y'), 'xy');
    assert.equal(render('<%= env.HOME // where\n%>'), '/root');
  });

  test('the names of SPEC are in scope, and no others', () => {
    assert.equal(render('<%= env.HOME %> <%= task_name %> <%= attempt %> <%= run_id %>'), '/root disk 2 r-1');
    assert.equal(
      render('<%= host.name %> <%= host.id %> <%= host.cpus %> <%= Object.keys(host).length %>'),
      'host machine 2 3',
    );
    for (const name of [
      'process',
      'require',
      'module',
      'console',
      'global',
      'Buffer',
      'setTimeout',
      'include',
      'WebAssembly',
    ]) {
      assert.equal(render(`<%= typeof ${name} %>`), 'undefined', name);
    }
    const runNames = 'env, task_name, now, due, attempt, run_id, host';
    assert.equal(
      failure(() => render('<%= label %>')),
      `the template "<%= label %>" failed: label is not defined; there are ${runNames}`,
    );
    assert.equal(
      failure(() => render('<%= lable %>', RESULT)),
      `the template "<%= lable %>" failed: lable is not defined; there are ${runNames}, task_ended_at, label, label_ext, ext, default_path`,
    );
  });

  test('times are DateTimes in the zone of the task, in English whatever the locale', () => {
    assert.equal(render('<%= now %>'), '2026-07-02T05:04:05.678+02:00');
    assert.equal(render("<%= due.toFormat('yyyyMMdd HHmmss LLLL ZZ') %>"), '20260702 050400 July +02:00');
    assert.equal(render('<%= task_ended_at.diff(due).as("seconds") %>', RESULT), '60');
    assert.equal(render('<%= now.toUTC().hour %>', { ...SCOPE, zone: null }), '3');
  });

  test('a path sees the label, the suffix and the path it would have', () => {
    assert.equal(render('<%= label %>|<%= label_ext %>|<%= ext %>', RESULT), 'eth0|-eth0|.json');
    assert.equal(render('<%= label_ext %>', { ...RESULT, label: '' }), '');
    assert.equal(
      render('<%= default_path %>|<%= default_path.dir %>|<%= default_path.base %>', RESULT),
      '/data/result/result-1.json|/data/result|result-1.json',
    );
  });

  test('one template may serve a run and its results', () => {
    const template = compileTemplate('<%= task_name %><%= typeof ext %>');
    assert.equal(template.render(SCOPE), 'diskundefined');
    assert.equal(template.render(RESULT), 'diskstring');
    assert.equal(template.render(SCOPE), 'diskundefined');
  });

  test('nothing of it changes the environment of the scheduler', () => {
    const env = { A: '1' };
    assert.match(
      failure(() => render("<% env.A = '2' %>", { ...SCOPE, env })),
      /failed: Cannot assign to read only property 'A'/,
    );
    assert.deepEqual(env, { A: '1' });
  });

  test('nothing is kept from one use to the next', () => {
    assert.match(
      failure(() => render('<% counter = 1 %>')),
      /counter is not defined/,
    );
  });
});

describe('how it fails', () => {
  test('nothing in place of a text is an error, since rm -r <%= env.TYPO %>/x must not run', () => {
    assert.equal(
      failure(() => render('rm -r <%= env.TYPO %>/x')),
      `the template "rm -r <%= env.TYPO %>/x" failed: <%= env.TYPO %> gave undefined; write <%= env.TYPO ?? '' %> where that is meant`,
    );
    assert.match(
      failure(() => render('<%- null %>')),
      /<%- null %> gave null/,
    );
    assert.equal(render("<%= env.TYPO ?? '' %><%= env.EMPTY %>"), '');
    assert.equal(render('<%= 0 %><%= false %>'), '0false');
  });

  test('objects without a text of their own, and functions, are errors', () => {
    for (const [expression, gave] of [
      ['host', 'an object without a text'],
      ['env', 'an object without a text'],
      ['{a: 1}', 'an object without a text'],
      ['() => 1', 'a function'],
    ]) {
      assert.equal(
        failure(() => render(`<%= ${expression} %>`)),
        `the template "<%= ${expression} %>" failed: <%= ${expression} %> gave ${gave}`,
      );
    }
    assert.equal(render('<%= [1, 2] %>'), '1,2');
  });

  test('a NUL cannot come out of one', () => {
    assert.match(
      failure(() => render("<%= 'a\\0' %>")),
      /gave a NUL, which no argument and no path can hold$/,
    );
    assert.match(
      failure(() => compileTemplate('a\0b')),
      /found a NUL/,
    );
  });

  test('an endless loop ends after a second', () => {
    for (const code of ['while (true) {}', '/^(a+)+$/.test("a".repeat(40) + "b")']) {
      const before = process.hrtime.bigint();
      assert.match(
        failure(() => render(`<% ${code} %>`)),
        /took longer than 1 s$/,
      );
      const ms = Number(process.hrtime.bigint() - before) / 1e6;
      assert.ok(ms >= 900 && ms < 10_000, `${ms} ms`);
    }
    assert.equal(render('<%= 1 %>'), '1', 'others work as before');
  });

  test('what is thrown becomes one sentence, whatever it is', () => {
    assert.match(
      failure(() => render("<% throw new Error('a\\nb') %>")),
      /failed: a b$/,
    );
    assert.match(
      failure(() => render('<% throw 5 %>')),
      /failed: 5$/,
    );
    assert.match(
      failure(() => render('<% throw { get message() { throw 1 } } %>')),
      /failed: something was thrown that has no text$/,
    );
    assert.match(
      failure(() => render('<% throw undefined %>')),
      /failed: undefined$/,
    );
  });

  test('text cannot be made into code', () => {
    for (const code of ["eval('1')", "Function('return 1')()", "(() => {}).constructor('return process')()"]) {
      assert.match(
        failure(() => render(`<%= ${code} %>`)),
        /Code generation from strings disallowed/,
      );
    }
  });
});

describe('syntax errors are found when it is compiled', () => {
  const cases: [string, string][] = [
    ['a\n<%= 1', 'expected %> after <%= in line 2 of the text, found none'],
    ['<%= 1 <%= 2 %>', 'expected %> after <%= in line 1 of the text, found none'],
    ['<%= %>', 'expected JavaScript in "<%= %>" in line 1 of the text, found nothing'],
    ['a\nb\n<%= env. %>', 'expected JavaScript in "<%= env. %>" in line 3 of the text, found an unexpected end'],
    ['<%= 1 2 %>', 'expected JavaScript in "<%= 1 2 %>" in line 1 of the text, found unexpected number at character 4'],
    [
      '<%= 1); f( %>',
      `expected JavaScript in "<%= 1); f( %>" in line 1 of the text, found unexpected token ')' at character 3`,
    ],
  ];
  for (const [source, message] of cases) {
    test(JSON.stringify(source), () =>
      assert.equal(
        failure(() => compileTemplate(source)),
        message,
      ),
    );
  }

  test('code that is never closed, or closed too often', () => {
    for (const source of [
      '<% if (true) { %>x',
      'x<% } %>',
      '<% } { %>',
      '<% await 1 %>',
      '<% import("fs"); %><% ( %>',
    ]) {
      assert.match(
        failure(() => compileTemplate(source)),
        /^expected JavaScript in all tags together from "<% .* found a syntax error/,
        source,
      );
    }
  });
});
