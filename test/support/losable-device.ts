/** Lets a test lose the GPU device of the worker that imports this first, as when a driver restarts. */
const channel = new BroadcastChannel('lose-device')
const { requestDevice } = GPUAdapter.prototype
GPUAdapter.prototype.requestDevice = async function (...args) {
  const device = await requestDevice.apply(this, args)
  channel.addEventListener('message', () => device.destroy())
  return device
}
