/** Longest line between two chunks, characters. */
const LINE_MOST = 64 << 10

/** Takes the frames off a chunked body: size in hexadecimal, CRLF, bytes, CRLF; a chunk of size 0 and trailers end it. */
export class ChunkedParser {
  #line = ''
  #left = 0
  #state: 'size' | 'data' | 'end of data' | 'trailer' = 'size'

  feed(data: Buffer, onPiece: (piece: Buffer) => void): 'more' | 'ended' | 'invalid' {
    let at = 0
    while (at < data.length) {
      if (this.#state === 'data') {
        const piece = data.subarray(at, at + this.#left)
        onPiece(piece)
        at += piece.length
        this.#left -= piece.length
        if (this.#left === 0) this.#state = 'end of data'
        continue
      }
      const newline = data.indexOf(10, at)
      this.#line += data.toString('latin1', at, newline < 0 ? data.length : newline)
      if (newline < 0) return this.#line.length > LINE_MOST ? 'invalid' : 'more'
      at = newline + 1
      const line = this.#line.trim()
      this.#line = ''
      if (this.#state === 'trailer') {
        if (line === '') return 'ended'
      } else if (this.#state === 'end of data') {
        if (line !== '') return 'invalid'
        this.#state = 'size'
      } else {
        if (!/^[0-9a-fA-F]+/.test(line)) return 'invalid'
        this.#left = Number.parseInt(line, 16)
        this.#state = this.#left === 0 ? 'trailer' : 'data'
      }
    }
    return 'more'
  }
}
