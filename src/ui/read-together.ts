/** Lets all charts below a root read the place that the pointer is over in one of them; for its `pointerover` and `pointerleave`. */
export function readTogether(root: ParentNode, event: Event): void {
  const over = event.type === 'pointerleave' ? undefined : (event.target as Element).closest('.zone')
  const at = over?.getAttribute('data-at')
  for (const zone of root.querySelectorAll('.zone'))
    zone.classList.toggle('read', at != null && zone.getAttribute('data-at') === at)
}
