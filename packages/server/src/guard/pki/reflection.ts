/**
 * @peculiar/x509 wires its few internal parts by a container (tsyringe) that refuses to load unless
 * Reflect offers the three metadata functions it calls. They are given here, in the least form that
 * is correct for it, instead of by a polyfill package. Must be imported before @peculiar/x509; an
 * existing implementation is left alone.
 */
type Store = WeakMap<object, Map<unknown, unknown>>

interface MetadataReflect {
  getMetadata?: (key: unknown, target: object) => unknown
  getOwnMetadata?: (key: unknown, target: object) => unknown
  defineMetadata?: (key: unknown, value: unknown, target: object) => void
}

const reflect = Reflect as MetadataReflect

if (reflect.getMetadata === undefined) {
  const store: Store = new WeakMap()
  const own = (key: unknown, target: object) => store.get(target)?.get(key)
  const inherited = (key: unknown, target: object): unknown => {
    for (let at: object | null = target; at !== null; at = Object.getPrototypeOf(at)) {
      const value = own(key, at)
      if (value !== undefined) return value
    }
    return undefined
  }
  const define = (key: unknown, value: unknown, target: object) => {
    const values = store.get(target) ?? new Map<unknown, unknown>()
    store.set(target, values.set(key, value))
  }
  Object.defineProperties(Reflect, {
    getMetadata: { value: inherited },
    getOwnMetadata: { value: own },
    defineMetadata: { value: define },
  })
}
