import { indicator } from './indicator.ts'

export const obv = indicator({
  id: 'obv',
  name: 'On-balance volume',
  meaning: 'sum of volumes with the sign of each move of the close, starting with the first volume',
  parameters: {},
  inputs: ['close', 'volume'],
  outputs: ['obv'],
  lookback: () => 0,
  // A sum always depends on its start, so only its changes have a meaning.
  unstable: () => Number.POSITIVE_INFINITY,
  reference: 'TA-Lib OBV (Granville 1963)',
  create: () => {
    const own = new Float64Array(3)
    return {
      memory: [own],
      run([closes, volumes], [output], rows) {
        const [close, volume, y] = [closes, volumes, output] as [Float64Array, Float64Array, Float64Array]
        let last = own[0] === 0 ? Number.NEGATIVE_INFINITY : (own[1] as number)
        let sum = own[2] as number
        for (let row = 0; row < rows; row++) {
          const value = close[row] as number
          if (value > last) sum += volume[row] as number
          else if (value < last) sum -= volume[row] as number
          last = value
          y[row] = sum
        }
        own[0] = 1
        own[1] = last
        own[2] = sum
      },
    }
  },
})
