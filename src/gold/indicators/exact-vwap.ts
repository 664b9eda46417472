import { indicator } from './indicator.ts'

export const exactVwap = indicator({
  id: 'exact_vwap',
  name: 'Average price of a bar',
  meaning: 'average price of the trades in the bar: quote volume / volume; null when nothing was traded',
  parameters: {},
  inputs: ['volume', 'quote_volume'],
  outputs: ['exact_vwap'],
  lookback: () => 0,
  reference: 'definition',
  create: () => ({
    memory: [],
    run([volumes, values], [output], rows) {
      const [volume, quoteValue, y] = [volumes, values, output] as [Float64Array, Float64Array, Float64Array]
      for (let row = 0; row < rows; row++)
        y[row] = (volume[row] as number) > 0 ? (quoteValue[row] as number) / (volume[row] as number) : Number.NaN
    },
  }),
})
