import { execFileSync } from 'node:child_process'

/** A row of a klines CSV as text, fields by their published names, from a reader that shares nothing with the product: Python's zipfile and csv. */
export type PlainRow = readonly string[]

const PROGRAM = `
import sys, zipfile, csv, io, json
with zipfile.ZipFile(sys.argv[1]) as archive:
    name, = archive.namelist()
    rows = list(csv.reader(io.TextIOWrapper(archive.open(name), 'utf-8')))
if rows and not rows[0][0].isdigit():
    rows = rows[1:]
json.dump(rows, sys.stdout)
`

/** The data rows of a zipped CSV, slowly and independently. */
export function readPlainRows(path: string): PlainRow[] {
  return JSON.parse(execFileSync('python3', ['-c', PROGRAM, path], { encoding: 'utf8', maxBuffer: 1 << 28 })) as PlainRow[]
}
