import { LakehouseError } from '../core/errors.ts'
import type { ObjectOutcome } from '../transfer/run/run.ts'
import type { SyncRequest, SyncResult } from '../transfer/sync.ts'

/** An object to copy: s3://bucket/key?options or https://host/folder/…/file. The destination keeps its key. */
export type FileTask = { readonly sourceUrl: string }

/** The result of one task. `targetKey` is the whole key in the destination's bucket; `error` is set where `success` is false. */
export type TaskResult = {
  readonly sourceUrl: string
  readonly targetKey: string
  readonly success: boolean
  readonly status: ObjectOutcome['state']
  readonly bytes: number
  readonly error: string | undefined
}

/** Runs a transfer; keys of the request are relative to the source. `onObject` gets the outcome of every object. */
export type Transfer = (
  addresses: { source: string; destination: string },
  request: Partial<SyncRequest>,
  onObject?: (outcome: ObjectOutcome) => void,
) => Promise<SyncResult>

/** Objects below one source address. `folder` is where their keys begin in the destination. */
type SourceGroup = { readonly source: string; readonly folder: string; readonly tasks: Map<string, string> }

/** Whether the source is an object of an S3 bucket. */
export function isInBucket({ sourceUrl }: FileTask): boolean {
  return sourceUrl.startsWith('s3://')
}

/** Groups tasks by their source: a bucket, or a folder of a web site. Throws CONFIG_INVALID for an address that names no object. */
export function groupBySource(tasks: readonly FileTask[]): SourceGroup[] {
  const groups = new Map<string, SourceGroup>()
  for (const { sourceUrl } of tasks) {
    const { source, folder, key } = locate(sourceUrl)
    const group = groups.get(source) ?? { source, folder, tasks: new Map<string, string>() }
    groups.set(source, group)
    group.tasks.set(key, sourceUrl)
  }
  return [...groups.values()]
}

function locate(sourceUrl: string): { source: string; folder: string; key: string } {
  const inBucket = /^(s3:\/\/[^/?]+)\/([^?]+)(\?.*)?$/.exec(sourceUrl)
  if (inBucket !== null) return { source: `${inBucket[1]}${inBucket[3] ?? ''}`, folder: '', key: inBucket[2] ?? '' }
  const onSite = /^(https?:\/\/[^/?#]+)\/([^/?#]+\/)([^?#]*[^/?#])$/.exec(sourceUrl)
  if (onSite !== null) return { source: `${onSite[1]}/${onSite[2]}`, folder: onSite[2] ?? '', key: decodeURIComponent(onSite[3] ?? '') }
  throw new LakehouseError(
    'CONFIG_INVALID',
    `the task "${sourceUrl}" does not name an object: write s3://bucket/key or https://host/folder/file`,
    { details: { address: sourceUrl } },
  )
}

/** Copies the objects of tasks. Returns one result a task, in the order of the tasks, and one a source. */
export async function copyTasks(
  transfer: Transfer,
  destination: string,
  tasks: readonly FileTask[],
  request: Partial<SyncRequest>,
): Promise<{ results: TaskResult[]; transfers: SyncResult[] }> {
  const outcomes = new Map<string, TaskResult>()
  const transfers: SyncResult[] = []
  for (const { source, folder, tasks: keys } of groupBySource(tasks)) {
    const target = below(destination, folder)
    const prefix = /^s3:\/\/[^/?]+\/?([^?]*)/.exec(target)?.[1] ?? ''
    const onObject = ({ key, state, size, error }: ObjectOutcome) => {
      const sourceUrl = keys.get(key) ?? ''
      const success = state === 'copied' || state === 'unchanged'
      outcomes.set(sourceUrl, { sourceUrl, targetKey: joined(prefix, key), success, status: state, bytes: size, error })
    }
    transfers.push(await transfer({ source, destination: target }, { ...request, keys: [...keys.keys()] }, onObject))
  }
  const results = tasks.map(({ sourceUrl }) => outcomes.get(sourceUrl) ?? notReached(sourceUrl))
  return { results, transfers }
}

function notReached(sourceUrl: string): TaskResult {
  return { sourceUrl, targetKey: '', success: false, status: 'failed', bytes: 0, error: 'the transfer ended before this object' }
}

/** An address with a folder below it: before the options of the address. */
function below(address: string, folder: string): string {
  if (folder === '') return address
  const [path = '', options] = address.split('?')
  return `${joined(path, folder)}${options === undefined ? '' : `?${options}`}`
}

function joined(path: string, name: string): string {
  return path === '' || path.endsWith('/') ? `${path}${name}` : `${path}/${name}`
}
