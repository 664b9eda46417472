// Stores rows of your own in a lake and asks for them in SQL: node examples/store-and-query.ts FOLDER
// In a project of your own the import is from 'crypto-lakehouse'.
import { configSchema, Lakehouse, S3Storage } from '../src/index.ts'

const [, , folder = './example-lake'] = process.argv
const storage = new S3Storage(new Lakehouse(configSchema.parse({ lake: folder })))

const signals = [
  { symbol: 'BTCUSDT', at: new Date('2024-01-01T00:00:00Z'), score: 0.7 },
  { symbol: 'ETHUSDT', at: new Date('2024-01-01T00:00:00Z'), score: -0.2 },
]
const { table, rows } = await storage.storeProcessedData(signals, 'spot', 'signals')
process.stdout.write(`${rows} rows are in ${table}\n`)

const answer = await storage.queryData('SELECT symbol, score FROM spot_signals WHERE score > 0', 'silver', 'csv')
process.stdout.write(Buffer.from(answer).toString('utf8'))
