import { testTenTimesTheLoad } from '../../gateway/overload.ts';

testTenTimesTheLoad(55);
