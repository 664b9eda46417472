import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { zipOne } from '../../src/platform/zip-writer.ts'
import { localStore } from '../../src/storage/local.ts'
import { cli } from '../support/cli.ts'
import { temporaryFolder } from '../support/folders.ts'
import { runSync, stateFor } from '../support/transfers.ts'

const BODY = Buffer.from('the right bytes')
const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex')
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

type Answer = { readonly status?: number; readonly headers?: string; readonly body?: Buffer | 'endless' }
type Ask = { readonly method: string; readonly path: string; readonly isListing: boolean }

const listing = (keys: readonly string[], more = '') =>
  Buffer.from(
    `<?xml version="1.0"?><ListBucketResult><IsTruncated>${more === '' ? 'false' : 'true'}</IsTruncated>${more}${keys.map((key) => `<Contents><Key>${key}</Key><LastModified>2024-01-02T00:00:00.000Z</LastModified><ETag>"${md5(BODY)}"</ETag><Size>${BODY.length}</Size></Contents>`).join('')}</ListBucketResult>`,
  )

/** A store that answers as it is told, byte for byte. Returns the address of its bucket, and the requests that it got. */
async function liar(
  context: TestContext,
  answer: (ask: Ask) => Answer | undefined,
): Promise<{ address: string; url: string; heads: string[] }> {
  const heads: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    let text = ''
    socket.on('data', (data) => {
      text += data.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = text.slice(0, end)
      text = ''
      heads.push(head)
      const [method = '', path = ''] = head.split(' ')
      const isListing = /^\/[^/?]+\/?(\?|$)/.test(path)
      const { status = 200, headers = '', body = Buffer.alloc(0) } = answer({ method, path, isListing }) ?? { status: 404 }
      const etag = `etag: "${md5(BODY)}"\r\nlast-modified: Tue, 02 Jan 2024 00:00:00 GMT\r\n`
      const length = body === 'endless' ? 'connection: close\r\n' : `content-length: ${method === 'HEAD' ? BODY.length : body.length}\r\n`
      socket.write(`HTTP/1.1 ${status} X\r\n${etag}${length}${headers}\r\n`)
      if (method === 'HEAD') return
      if (body !== 'endless') return void socket.write(body)
      const piece = Buffer.alloc(1 << 20, 'a')
      const pump = () => {
        while (!socket.destroyed) if (!socket.write(piece)) return void socket.once('drain', pump)
      }
      pump()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { address: `s3://bucket?endpoint=${url}`, url, heads }
}

const KEY = 'data/x.zip'

test('bytes that do not have the listed MD5 are refused, and the copy is removed', async (context) => {
  const wrong = Buffer.from('the wrong bytes')
  const { address } = await liar(context, ({ isListing, method }) =>
    isListing ? { body: listing([KEY]) } : method === 'HEAD' ? {} : { body: wrong },
  )
  for (const mode of ['auto', 'traditional'] as const) {
    const destination = await temporaryFolder(context)
    const { errors, counts } = await runSync(address, destination, { state: await stateFor(context), mode })
    assert.deepEqual(
      [errors[0]?.code, counts.objectsFailed, await readdir(destination, { recursive: true })],
      ['CHECKSUM_MISMATCH', 1, ['data']],
    )
    assert.match(errors[0]?.message ?? '', /--verify size/)
    const kept = await runSync(address, destination, { state: await stateFor(context), mode, settings: { verify: 'size' } })
    assert.deepEqual([kept.counts.objectsCopied, kept.findings[0]?.check], [1, 'other_bytes'])
  }
})

test('a published checksum decides about bytes without the listed MD5', async (context) => {
  const other = Buffer.from('other bytes 15.')
  const name = 'data/spot/daily/klines/AUSDT/1m/AUSDT-1m-2024-01-01.zip'
  let published = sha256(other)
  const { address } = await liar(context, ({ isListing, method, path }) => {
    if (isListing) return { body: listing([name]) }
    if (path.includes('CHECKSUM')) return { body: Buffer.from(`${published}  AUSDT-1m-2024-01-01.zip\n`) }
    return method === 'HEAD' ? {} : { body: other }
  })
  const destination = await temporaryFolder(context)
  const good = await runSync(address, destination, { state: await stateFor(context) })
  assert.deepEqual([good.counts.objectsCopied, good.errors.length], [1, 0])
  await rm(destination, { recursive: true })
  await mkdir(destination)
  published = sha256(BODY)
  for (const verify of ['size', 'etag', 'sha256'] as const) {
    const bad = await runSync(address, destination, { state: await stateFor(context), settings: { verify } })
    assert.equal(bad.errors[0]?.code, 'CHECKSUM_MISMATCH', verify)
  }
})

test('endless answers, repeated tokens and line feeds in headers end with a typed error', async (context) => {
  const cases: readonly [code: string, answer: (ask: Ask) => Answer][] = [
    ['STORE_FAILED', ({ isListing }) => (isListing ? { body: listing([KEY]) } : { status: 500, body: 'endless' })],
    ['STORE_ANSWER_INVALID', ({ isListing }) => (isListing ? { body: 'endless' } : {})],
    ['LISTING_INVALID', () => ({ body: listing([], '<NextContinuationToken>same</NextContinuationToken>') })],
    [
      'LISTING_INVALID',
      () => ({
        body: Buffer.from(
          listing([KEY])
            .toString()
            .replace(/<Size>\d+/, '<Size>-1'),
        ),
      }),
    ],
    [
      'STORE_ANSWER_INVALID',
      ({ isListing }) => (isListing ? { body: listing([KEY]) } : { headers: 'x-amz-meta-a: foo\nx-amz-acl: public-read\r\n', body: BODY }),
    ],
  ]
  for (const [code, answer] of cases) {
    const { address, heads } = await liar(context, answer)
    const choices = { state: await stateFor(context), settings: { attempts: 2 } }
    const found = await runSync(address, await temporaryFolder(context), choices).then(
      ({ errors }) => errors[0]?.code,
      (error: { code: string }) => error.code,
    )
    assert.equal(found, code)
    assert.ok(heads.length < 40, `${code}: ${heads.length} requests`)
  }
  assert.ok(process.resourceUsage().maxRSS < 600_000, String(process.resourceUsage().maxRSS))
})

test('keys that climb never reach a request line or a path; the other objects are copied', async (context) => {
  const { address, heads } = await liar(context, ({ isListing, method }) =>
    isListing ? { body: listing(['../../out/evil.txt', 'a/../../b.txt', KEY]) } : method === 'HEAD' ? {} : { body: BODY },
  )
  const destination = await temporaryFolder(context)
  const { counts, errors } = await runSync(address, join(destination, 'in'), { state: await stateFor(context) })
  assert.deepEqual([counts.objectsCopied, counts.objectsFailed, errors[0]?.code], [1, 2, 'OBJECT_KEY_INVALID'])
  assert.ok(!heads.some((head) => head.split(' ')[1]?.includes('..')))
  assert.deepEqual(await readdir(destination), ['in'])
})

test('keys that climb never reach a batch of s5cmd; the other objects are copied', async (context) => {
  const { url } = await liar(context, ({ isListing, method, path }) => {
    if (!isListing) return method === 'HEAD' ? {} : { body: BODY }
    return { body: path.startsWith('/from') ? listing(['data/a', 'data/b', 'data/c', 'x/../../evil.txt', 'y/x.txt']) : listing([]) }
  })
  const folder = await temporaryFolder(context)
  const [s5cmdPath, asked] = [join(folder, 's5cmd'), join(folder, 'asked')]
  // Stands in for the program: it keeps the lines that it is given, and tells that it copied them.
  const told = '{"operation":"cp","success":true,"source":"%s","destination":"%s"}'.replaceAll('"', '\\"')
  const script = `{ print >> "${asked}"; printf "${told}\\n", $(NF-3), $(NF-1) }`
  await writeFile(s5cmdPath, `#!/bin/sh\nif [ "$1" = version ]; then echo v2.3.0; else awk -F "'" '${script}'; fi\n`)
  await chmod(s5cmdPath, 0o755)
  const choices = { state: await stateFor(context), engine: 's5cmd' as const, settings: { s5cmdPath } }
  const { counts, errors } = await runSync(`s3://from?endpoint=${url}`, `s3://to?endpoint=${url}`, choices)
  assert.deepEqual([counts.objectsCopied, counts.objectsFailed, errors[0]?.code], [4, 1, 'OBJECT_KEY_INVALID'])
  const lines = await readFile(asked, 'utf8')
  assert.match(lines, /y\/x\.txt/)
  assert.doesNotMatch(lines, /evil/)
})

test('a link inside a destination does not lead out of it', async (context) => {
  const folder = await temporaryFolder(context)
  await mkdir(join(folder, 'outside'))
  await mkdir(join(folder, 'store'))
  await symlink(join(folder, 'outside'), join(folder, 'store', 'data'))
  await assert.rejects(localStore(join(folder, 'store')).put('data/x', BODY), { code: 'OBJECT_KEY_INVALID', message: /through a link/ })
  assert.deepEqual(await readdir(join(folder, 'outside')), [])
})

test('state is private, and an address with a secret is refused with the secret masked', async (context) => {
  const [cwd, state] = [await temporaryFolder(context), await stateFor(context)]
  await mkdir(join(cwd, 'from'))
  await writeFile(join(cwd, 'from', 'x'), 'x')
  await runSync(join(cwd, 'from'), join(cwd, 'to'), { state })
  for (const entry of await readdir(state, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) assert.equal((await stat(join(entry.parentPath, entry.name))).mode & 0o077, 0, entry.name)
  const env = { LAKEHOUSE_SYNC_STATE: state }
  const secret = 's3://bucket?endpoint=http://user:PWCANARY@127.0.0.1:1'
  await writeFile(join(cwd, 'lakehouse.yaml'), `stores: { a: '${secret}&secret=PWCANARY' }\n`)
  for (const args of [
    ['sync', secret, 'x'],
    ['sync', 'a:', 'x'],
    ['ingest', 'klines', '--archive', 'http://u:PWCANARY@127.0.0.1:1/x'],
    ['config', 'show'],
  ]) {
    const { code, out, err } = await cli(args, { cwd, env })
    assert.ok(!`${out}${err}`.includes('PWCANARY'), `${args.join(' ')}: ${out}${err}`)
    assert.equal(code, args[0] === 'config' ? 0 : 2, err)
  }
})

test('a file of the current folder cannot name a program, and its mistakes are shown without its text', async (context) => {
  const cwd = await temporaryFolder(context)
  const cases: readonly [file: string, reason: RegExp][] = [
    ['sync: { s5cmdPath: ./evil.sh }', /sets sync.s5cmdPath, which a file of the current folder cannot/],
    ['glue: { region: eu-west-1, endpoint: http://evil }', /sets glue.endpoint/],
    ['lake: "x\nsecret: CANARY', /not valid YAML at line 2/],
    ['lake: !!js/function x', /not valid YAML/],
    ['__proto__: { a: 1 }', /has the key __proto__/],
    ['sync: { concurrency: true }', /sync.concurrency: .*number/],
    ['sync: { concurrency: "7" }', /sync.concurrency/],
    ['a: &a [x, x]\nb: &b [*a, *a]\nlake: *b', /unknown key|expected string/],
    [`lake: ${'x'.repeat(2 << 20)}`, /at most 1048576/],
  ]
  for (const [file, reason] of cases) {
    await writeFile(join(cwd, 'lakehouse.yaml'), file)
    const { code, err } = await cli(['status'], { cwd })
    assert.deepEqual([code, reason.test(err), err.includes('CANARY')], [2, true, false], err.slice(0, 400))
  }
  await writeFile(join(cwd, 'own.yaml'), 'sync: { s5cmdPath: ./own.sh }')
  await rm(join(cwd, 'lakehouse.yaml'))
  assert.equal((await cli(['config', 'show', '--config', 'own.yaml'], { cwd })).code, 0)
})

/** Puts a file with these lines into an archive. */
async function archived(archive: string, symbol: string, csv: string): Promise<string> {
  const name = `${symbol}-1m-2024-01-01`
  const key = `data/spot/daily/klines/${symbol}/1m/${name}.zip`
  const zip = zipOne(`${name}.csv`, Buffer.from(csv))
  await mkdir(join(archive, key, '..'), { recursive: true })
  await writeFile(join(archive, key), zip)
  await writeFile(join(archive, `${key}.CHECKSUM`), `${sha256(zip)}  ${name}.zip\n`)
  return key
}

const LINE = '1704067200000,1,2,0.5,1.5,10,1704067259999,15,3,5,7,0'

test('control characters of the data never reach the terminal', async (context) => {
  const cwd = await temporaryFolder(context)
  await archived(join(cwd, 'archive'), 'AUSDT', `${LINE}\n\x1b[2J\x1b]0;pwn\x07,x\n`)
  await cli(['ingest', 'klines', '--archive', 'archive', '--lake', 'lake'], { cwd })
  const { out, err } = await cli(['quarantine', 'list', '--lake', 'lake'], { cwd })
  assert.match(out, /\\x1b\[2J/)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be gone
  assert.doesNotMatch(`${out}${err}`, /[\x00-\x08\x0b-\x1f\x7f]/)
})

test('values without sense, empty files and foreign entries are reported at once', async (context) => {
  const cwd = await temporaryFolder(context)
  const archive = join(cwd, 'archive')
  const values = ['-5', '1e308', '1e-400', '-0.1']
  const lines = values.map((value, n) => LINE.replace('1704067200000', String(1704067200000 + n * 60_000)).replace(',1,2', `,${value},2`))
  const counts = LINE.replace('1704067200000', String(1704067200000 + 9 * 60_000)).replace(',15,3,', ',15,-3,')
  await archived(archive, 'AUSDT', `${[LINE.replace('1704067200000', '1704070800000'), ...lines, counts].join('\n')}\n`)
  await archived(archive, 'BUSDT', '')
  await archived(archive, 'CUSDT', '\n'.repeat(40 << 20))
  const { code, out } = await cli(['ingest', 'klines', '--archive', 'archive', '--lake', 'lake', '--json'], { cwd })
  const { counts: found, findings } = JSON.parse(out) as { counts: Record<string, number>; findings: { check: string; symbol: string }[] }
  assert.deepEqual([code, found['rowsWritten'], found['rowsRejected']], [3, 1, 5])
  const checks = findings.map(({ check, symbol }) => `${check} ${symbol}`)
  for (const expected of ['rejected_rows AUSDT', 'empty_file BUSDT', 'zip_refused CUSDT'])
    assert.ok(checks.includes(expected), checks.join(', '))
  const quarantine = JSON.parse((await cli(['quarantine', 'list', '--lake', 'lake', '--json'], { cwd })).out) as {
    items: { reason?: string }[]
  }
  assert.equal(quarantine.items.filter(({ reason }) => reason === 'OUT_OF_RANGE').length, 5)
})
