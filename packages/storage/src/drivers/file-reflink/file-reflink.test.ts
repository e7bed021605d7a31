import { describeImages } from '../../testing/image-scenarios.ts'
import { modelledPlace } from '../../testing/place.ts'

describeImages('modelled, sharing blocks', () => modelledPlace())
describeImages('modelled, copying', () => modelledPlace({ reflink: false }))
describeImages('modelled, coarse times', () => modelledPlace({ tickNs: 0n }))
