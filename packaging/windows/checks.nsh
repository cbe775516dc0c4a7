; What there is to refuse before anything is touched. A 32-bit Windows does not get here: it refuses the 64-bit
; program itself, in words of its own.

!define ERROR_ALREADY_EXISTS 183

; Installer or uninstaller, one at a time; Windows takes the mutex away with the process.
!macro RefuseTwice
  System::Call 'kernel32::CreateMutexW(p 0, i 0, w "Global\SoftLAN.Setup") p.r0 ?e'
  Pop $0
  ${If} $0 = ${ERROR_ALREADY_EXISTS}
    !insertmacro Fail ${STATUS_TWICE} "SoftLAN's setup runs already: wait until it is done."
  ${EndIf}
!macroend

Function CheckSystem
  ${IfNot} ${AtLeastWin10}
    !insertmacro Fail ${STATUS_SYSTEM} "SoftLAN needs Windows 10 or 11; this is an older Windows."
  ${EndIf}
  ${IfNot} ${IsNativeAMD64}
    !insertmacro Fail ${STATUS_SYSTEM} "SoftLAN needs a PC with a 64-bit Intel or AMD processor: its network driver is not made for this one."
  ${EndIf}
FunctionEnd

; An older version may not understand what a newer one has kept.
Function CheckVersion
  ReadRegStr $0 HKLM "${UNINSTALL_KEY}" "DisplayVersion"
  ${If} $0 == ""
    Return
  ${EndIf}
  ${VersionCompare} $0 "${VERSION}" $1
  ${If} $1 = 1
    !insertmacro Fail ${STATUS_NEWER} "SoftLAN $0 is installed, which is newer than this version, ${VERSION}. To go back, remove SoftLAN first (Settings, Apps), then run this again."
  ${EndIf}
FunctionEnd
