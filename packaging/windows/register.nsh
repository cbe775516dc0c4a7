; What Windows knows of SoftLAN: the list of programs, the start menu, invite links.

!define SHCNE_ASSOCCHANGED 0x08000000

!macro TellShell
  System::Call 'shell32::SHChangeNotify(i ${SHCNE_ASSOCCHANGED}, i 0, p 0, p 0)'
!macroend

; A link is all that the program takes, and it distrusts it.
Function Register
  WriteRegStr HKLM "${LINK_KEY}" "" "URL:SoftLAN invitation"
  WriteRegStr HKLM "${LINK_KEY}" "URL Protocol" ""
  WriteRegStr HKLM "${LINK_KEY}\DefaultIcon" "" '"$INSTDIR\softlan.exe",0'
  WriteRegStr HKLM "${LINK_KEY}\shell\open\command" "" '"$INSTDIR\softlan.exe" "%1"'

  WriteRegStr HKLM "${UNINSTALL_KEY}" "DisplayName" "SoftLAN"
  WriteRegStr HKLM "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKLM "${UNINSTALL_KEY}" "DisplayIcon" "$INSTDIR\softlan.exe"
  WriteRegStr HKLM "${UNINSTALL_KEY}" "Publisher" "SoftLAN"
  WriteRegStr HKLM "${UNINSTALL_KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKLM "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKLM "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKLM "${UNINSTALL_KEY}" "EstimatedSize" ${SIZE_KB}
  WriteRegDWORD HKLM "${UNINSTALL_KEY}" "NoModify" 1
  WriteRegDWORD HKLM "${UNINSTALL_KEY}" "NoRepair" 1

  CreateShortcut "$SMPROGRAMS\SoftLAN.lnk" "$INSTDIR\softlan.exe"
  !insertmacro TellShell
FunctionEnd

Function un.Register
  DeleteRegKey HKLM "${LINK_KEY}"
  DeleteRegKey HKLM "${UNINSTALL_KEY}"
  Delete "$SMPROGRAMS\SoftLAN.lnk"
  !insertmacro TellShell
FunctionEnd
