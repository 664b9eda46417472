/** The pieces of a body as one. Throws what `tooLong` makes as soon as they are more than `most` bytes. */
export async function collectBytes(body: AsyncIterable<Uint8Array>, most: number, tooLong: () => Error): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of body) {
    size += piece.length
    if (size > most) throw tooLong()
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}
