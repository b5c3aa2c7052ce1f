/** envoy.service.auth.v3, compiled, deflated and in base64: written by deploy/own-descriptors.ts, not by hand. */
export const descriptors: readonly string[] = [
  "rVbdbhtFFO76Nz628zOEshga0k0RCUJr4UBVgoSImxJXFTTahkbqzWq8O9gr2zvLztiJewmCB+CCB+gNiLfingfgDjQ/a28cmzgVV3vm7He+OfPNmTMD/xjw",
  "XofSTp/Uo5hy2h5+V+fBgDCOB5EtXWhNAewEYH0OpdMEg0woMuLR0GemsW3sZp1kiDYhH+KQMjOzbezmHTVo/mTAGx4d2DOkzdUJ5YlwnRgvGhrSoX0cdmwa",
  "d1I5jiPC6r2QnofTfKP234bxKpM9Pmn+kdk6VtEnOsQ+I/3+ExFwKmLbBcm1Dz/nYGtWgfMYRxGJ2SIBdqB8RIftPnmO+0MiFjoShhTAcNTAsgC+6lPM52Ay",
  "KczjkN//ZA4mm2B2oPztIlDuMtF+Yw4mP0M0F1RNQHeh1KS0PweykuJ5xuMg7MwBlVIJNcecsDmYisY0f1xQCtUzrX9SCR8vWQnJvr1WIfyyCXskHNFxnZF4",
  "FHikjoe8Wx/t18kFJ3GI+65w6Jp4U0JtDbXln9F+7brDVLum1qwzqDzsEq/nkO+HhHF0DIA5j4P2kBN1wsqND+y5k9uHCfAhDTm54E4q1Pp1BdZnAegICowO",
  "Y49o5o+WZLZPCIkdHYu+gbJPGA9CzAMayuN+U6o0AXoMxVgt38xJrvqyXFo1J4lHA0Ce+ueKXQxZQENmwnZ2t9z4YllW/X00IXgU8njsbHiz/toF5MRy0AMo",
  "Yt+PCUu2bGvRXArlJHDVTiVG6lhykiF6F0pRHIReEOG+1KXkTB21HwwoJjVjQ06UnZ66Nnu+7EmndSQOHUOuy3mkN25/WVlanEeJ4JKg9lcGyikvWoVM4Ou+",
  "kAl8dBsKA8K71Ndr0yP0Aopdgn0SMzMrt+bL18jBbikKtTkJIUKQizDvasWkLXxdyriZVz5hi9yY1yUDYhZUbmoksCx4ScyS7MnSRjVYkWJ6tG+CRE/GAt+m",
  "/tgsK25ho7dhJcbnrvRXZAcsxvi8Sf1x7QAq6bzROmR7ZKw1E+a0d2ZS/fUg88CoHcHt+aV5ExbrVQaquuWwiIaMoE+hwDjmw6R47yzYjWcS5GgwOoU1n4QB",
  "8d1YM+mK2lsQfyTRagtVQOuWs6o4Jsm0oEx7U8asZHx/AePT3gwb0Omy9mDdH4d4EHjugHDsY45lVVScNe3/Wruba1AVBT2Z1vrNAHQ1XfTZjFJ3F+QlgmbU",
  "ak5rPiNrfndRrETJe/RpJPrjpdqWNZWd1pr1pwGrl2X4X6b6EDa06XLqxmRAR8TMb2d3S86a/nFKHelGLryVCOemgrDvm4Ubzr+ZELWSOQ5937oPBaWmUMCj",
  "fvLQkbZooQPCGO5MWqgeWtsA052YF2s9h6JuyegJrDLq9Qh3L7fye4tOgwQnDb3K0kOrBdVL/0WSCa1OMrkB7gBENOauOq5Z+TgrCY/UxfrdgI0rOqEDKCil",
  "dZLW9Qo7OgI1oCCeIKGvj+vVC2PyInQ0Eu1AVVku9uSln5UiVpTzUPosB8qp+ZZtSugdKIluOV1/xRHtU5I0CFQPh7xL4+CleiycQl52L7SzYMnp51Tt3n+D",
  "9Gm/lTwK/wU=",
];
