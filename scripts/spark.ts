// Tests Spark on our tables: npm run test:spark. Installs Spark and Iceberg's runtime into .cache/spark, once; needs Java 17, Maven and python3-venv.
import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const SPARK = 'pyspark==4.1.4'
const RUNTIME = 'org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0'

const root = join(import.meta.dirname, '..')
const target = join(root, '.cache', 'spark')
const run = promisify(execFile)

async function prepare(): Promise<void> {
  if (existsSync(join(target, 'ready'))) return
  process.stdout.write('installing Spark and the Iceberg runtime into .cache/spark (once)\n')
  await rm(target, { recursive: true, force: true })
  await mkdir(target, { recursive: true })
  execFileSync('java', ['-version'], { stdio: 'ignore' })
  await run('python3', ['-m', 'venv', join(target, 'venv')])
  await run(join(target, 'venv/bin/pip'), ['install', '--quiet', '--disable-pip-version-check', SPARK], { maxBuffer: 1 << 26 })
  await run('mvn', ['-q', 'dependency:copy', `-Dartifact=${RUNTIME}`, `-DoutputDirectory=${target}`], { maxBuffer: 1 << 26 })
  await writeFile(join(target, 'ready'), `${SPARK}\n${RUNTIME}\n`)
}

await prepare()
const environment = {
  ...process.env,
  SPARK_PYTHON: join(target, 'venv/bin/python'),
  SPARK_JAR: join(target, `${RUNTIME.split(':')[1]}-${RUNTIME.split(':')[2]}.jar`),
}
const { status } = spawnSync(process.execPath, ['--test', join(root, 'test/spark/tables.ts')], { stdio: 'inherit', env: environment })
process.exitCode = status ?? 1
