/** Multipliers that SQUFOF tries in turn: where one finds only a trivial factor, the next does not. */
const MULTIPLIERS = [1, 3, 5, 7, 11, 15, 21, 33, 35, 55, 77, 105, 165, 231, 385, 1155];

/**
 * A factor of a product of two primes below 2^63, by Shanks's square forms: its numbers are about the square root, which
 * a double holds exactly, so it takes a millisecond or two. Null where it finds none.
 */
export function factorOf(product: bigint): bigint | null {
  const root = squareRoot(product);
  if (root * root === product) return root;
  for (const multiplier of MULTIPLIERS) {
    const found = factorBy(product, multiplier);
    if (found !== null) return found;
  }
  return null;
}

function factorBy(product: bigint, multiplier: number): bigint | null {
  const multiple = product * BigInt(multiplier);
  const root = squareRoot(multiple);
  const first = Number(root);
  let before = 1;
  let form = Number(multiple - root * root);
  if (form === 0) return null;
  let middle = first;
  const most = 6 * Math.ceil(Math.sqrt(2 * first));
  for (let turn = 1; turn < most; turn += 1) {
    const quotient = Math.floor((first + middle) / form);
    const next = quotient * form - middle;
    [before, form] = [form, before + quotient * (middle - next)];
    middle = next;
    const square = Math.round(Math.sqrt(form));
    if (turn % 2 === 0 || square * square !== form) continue;
    const factor = factorFrom(product, multiple, first, middle, square);
    if (factor !== null) return factor;
  }
  return null;
}

/** The way back from a square form to the factor. */
function factorFrom(product: bigint, multiple: bigint, first: number, middle: number, square: number): bigint | null {
  let back = Math.floor((first - middle) / square) * square + middle;
  let before = square;
  let form = Number((multiple - BigInt(back) * BigInt(back)) / BigInt(square));
  const most = 6 * Math.ceil(Math.sqrt(2 * first));
  for (let turn = 0; turn < most; turn += 1) {
    const quotient = Math.floor((first + back) / form);
    const next = quotient * form - back;
    [before, form] = [form, before + quotient * (back - next)];
    if (next === back) {
      const factor = greatestCommonDivisor(product, BigInt(back));
      return factor !== 1n && factor !== product ? factor : null;
    }
    back = next;
  }
  return null;
}

/** Rounded down. */
function squareRoot(value: bigint): bigint {
  let root = BigInt(Math.floor(Math.sqrt(Number(value))));
  while (root * root > value) root -= 1n;
  while ((root + 1n) * (root + 1n) <= value) root += 1n;
  return root;
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommonDivisor(b, a % b);
}
